import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { onTestFinished } from 'vitest';
import { readTar, type ReadTarOptions, type TarHeader } from '../src/index.js';

export const FIXTURES = join(import.meta.dirname, 'fixtures', 'deb');

/** A private directory that is gone when the test ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ict-archive-'));
  onTestFinished(() => {
    execFileSync('chmod', ['-R', 'u+rwX', directory]);
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

/** The bytes in pieces of `size`. */
export function inPieces(bytes: Uint8Array, size: number): Readable {
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    Buffer.from(bytes.subarray(index * size, (index + 1) * size)),
  );
  return Readable.from(pieces, { objectMode: false });
}

/** Any bytes; and sound ones of which a part is replaced by others, more or fewer. */
export function hostileBytes(sound: Uint8Array): fc.Arbitrary<Buffer> {
  const spliced = fc
    .tuple(fc.nat(sound.length), fc.nat(40), fc.uint8Array({ maxLength: 40 }))
    .map(([at, gone, bytes]) => Buffer.concat([sound.subarray(0, at), bytes, sound.subarray(at + gone)]));
  return fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    spliced,
  );
}

export async function gather<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of source) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

export interface ReadEntry extends TarHeader {
  readonly bytes: Buffer;
}

/** Every entry of a tar archive with its content. */
export async function allEntries(bytes: Uint8Array, options: ReadTarOptions & { pieces?: number } = {}): Promise<ReadEntry[]> {
  const entries: ReadEntry[] = [];
  for await (const { content, ...header } of readTar(inPieces(bytes, options.pieces ?? 65536), options)) {
    entries.push({ ...header, bytes: await collect(content) });
  }
  return entries;
}

export function run(program: string, args: readonly string[], options: { input?: Buffer; cwd?: string } = {}): Buffer {
  return execFileSync(program, args, {
    ...options,
    env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
    maxBuffer: 2 ** 30,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

export function sh(script: string, cwd: string): Buffer {
  return run('sh', ['-euc', script], { cwd });
}

/** The bytes as the program `zck` stores them. */
export function zchunk(bytes: Uint8Array, args: readonly string[] = []): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'ict-archive-'));
  try {
    writeFileSync(join(directory, 'plain'), bytes);
    run('zck', [...args, '-o', join(directory, 'packed'), join(directory, 'plain')]);
    return readFileSync(join(directory, 'packed'));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
