import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const UNPACK: Readonly<Record<string, string>> = { gz: 'gzip', xz: 'xz', bz2: 'bzip2', zst: 'zstd' };

/** Packs bytes by the program of a compression. */
function pack(plain: Uint8Array, compression: string, directory: string): Buffer {
  if (compression !== 'zck') return execFileSync(UNPACK[compression]!, ['-c'], { input: plain, maxBuffer: 2 ** 28 });
  // It reads and writes files only.
  const [from, to] = [join(directory, 'plain'), join(directory, 'packed')];
  writeFileSync(from, plain);
  execFileSync('zck', ['-o', to, from]);
  const packed = readFileSync(to);
  for (const file of [from, to]) rmSync(file);
  return packed;
}

/**
 * Compresses the metadata of an unsigned repository anew, in this way alone: not every createrepo_c knows each of them. As zchunk it is listed under the
 * types that createrepo_c has for it.
 */
export function recompress(root: string, compression: string): void {
  const repomd = join(root, 'repodata/repomd.xml');
  const text = readFileSync(repomd, 'utf8').replaceAll(/<data type="(\w+)">[^]*?<\/data>/g, (data, type: string) => {
    const [, href, ending] = /href="([^"]*\.(\w+))"/.exec(data)!;
    const program = UNPACK[ending!];
    const bytes = readFileSync(join(root, href!));
    const plain = program === undefined ? bytes : execFileSync(program, ['-dc'], { input: bytes, maxBuffer: 2 ** 28 });
    const packed = pack(plain, compression, root);
    rmSync(join(root, href!));
    const path = `repodata/${type}.xml.${compression}`;
    writeFileSync(join(root, path), packed);
    const sum = (of: Uint8Array): string => createHash('sha256').update(of).digest('hex');
    return `<data type="${type}${compression === 'zck' ? '_zck' : ''}"><checksum type="sha256">${sum(packed)}</checksum><open-checksum type="sha256">${sum(plain)}</open-checksum>
      <location href="${path}"/><size>${packed.length}</size><open-size>${plain.length}</open-size></data>`;
  });
  writeFileSync(repomd, text);
}
