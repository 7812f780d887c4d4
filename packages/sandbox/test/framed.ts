import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoredGzip } from '../src/agent/stored-gzip.js';

/** What a file holds into which these pieces were written as a stored gzip. */
export function framed(...pieces: readonly Uint8Array[]): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'ict-framed-'));
  const path = join(directory, 'framed.gz');
  const file = openSync(path, 'wx');
  try {
    const gzip = new StoredGzip(file);
    for (const piece of pieces) gzip.write(piece);
    gzip.end();
    return readFileSync(path);
  } finally {
    closeSync(file);
    rmSync(directory, { recursive: true });
  }
}
