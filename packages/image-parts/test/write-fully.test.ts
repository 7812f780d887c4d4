import type { FileHandle } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { writeFully } from '../src/write-fully.js';

it('writes on behind what a write took', async () => {
  const written = Buffer.alloc(10);
  const write = async (bytes: Uint8Array, offset: number, length: number, position: number) => {
    const bytesWritten = Math.min(length, 3);
    written.set(bytes.subarray(offset, offset + bytesWritten), position);
    return { bytesWritten, buffer: bytes };
  };
  await writeFully({ write } as unknown as FileHandle, Buffer.from('content'), 2);
  expect(written.toString('latin1')).toBe('\0\0content\0');
});
