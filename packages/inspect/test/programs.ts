/** A program of UEFI with nothing but sections of these contents. */
export function portableExecutable(sections: Readonly<Record<string, string | Buffer>>): Buffer {
  const [start, optionalBytes, headerBytes] = [128, 240, 1024];
  const optional = start + 24;
  const head = Buffer.alloc(headerBytes);
  head.write('MZ', 0, 'latin1');
  head.writeUInt32LE(start, 0x3c);
  head.write('PE\0\0', start, 'latin1');
  head.writeUInt16LE(Object.keys(sections).length, start + 6);
  head.writeUInt16LE(optionalBytes, start + 20);
  head.writeUInt16LE(0x20b, optional);
  head.writeUInt32LE(4096, optional + 32);
  head.writeUInt32LE(512, optional + 36);
  head.writeUInt32LE(headerBytes, optional + 60);
  head.writeUInt32LE(16, optional + 108);
  const parts = [head];
  let at = headerBytes;
  for (const [index, [name, text]] of Object.entries(sections).entries()) {
    const content = Buffer.from(text as string);
    const padded = Buffer.alloc(Math.ceil(content.length / 512) * 512);
    content.copy(padded);
    const entry = optional + optionalBytes + index * 40;
    head.write(name, entry, 'latin1');
    head.writeUInt32LE(content.length, entry + 8);
    head.writeUInt32LE(padded.length, entry + 16);
    head.writeUInt32LE(at, entry + 20);
    at += padded.length;
    parts.push(padded);
  }
  return Buffer.concat(parts);
}
