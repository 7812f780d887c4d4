interface Fields {
  name?: string | Buffer;
  mode?: string;
  size?: string | Buffer;
  mtime?: string | Buffer;
  uid?: string | Buffer;
  type?: string;
  link?: string;
  magic?: string;
  prefix?: string;
  content?: string | Buffer;
}

/** A header block with a right checksum, and its content. */
export function block(fields: Fields = {}): Buffer {
  const header = Buffer.alloc(512);
  const content = Buffer.from(fields.content ?? '');
  const put = (value: string | Buffer, at: number): void => void Buffer.from(value as string).copy(header, at);
  put(fields.name ?? 'file', 0);
  put(fields.mode ?? '0000644', 100);
  put(fields.uid ?? '0000000', 108);
  put('0000000', 116);
  put(fields.size ?? content.length.toString(8).padStart(11, '0'), 124);
  put(fields.mtime ?? '00000000001', 136);
  put(fields.type ?? '0', 156);
  put(fields.link ?? '', 157);
  put(fields.magic ?? 'ustar\u000000', 257);
  put(fields.prefix ?? '', 345);
  return Buffer.concat([sign(header), content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

/** The header with its checksum. */
export function sign(header: Buffer): Buffer {
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** Content of a pax header. */
export const pax = (...records: [string, string | Buffer][]): Buffer =>
  Buffer.concat(
    records.map(([key, value]) => {
      const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), Buffer.from('\n')]);
      let length = rest.length;
      while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
      return Buffer.concat([Buffer.from(String(length)), rest]);
    }),
  );

const END = Buffer.alloc(1024);

/** A whole archive. */
export const tar = (...blocks: Buffer[]): Buffer => Buffer.concat([...blocks, END]);
