import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute } from '@ict/fixtures';
import { expect } from 'vitest';

/** All files that xorriso finds in an image, by their paths. */
export async function extractIso(image: string): Promise<ReadonlyMap<string, Buffer>> {
  const to = mkdtempSync(join(tmpdir(), 'ict-extracted-'));
  try {
    const { exitCode, stderr } = await execute('xorriso', ['-osirrox', 'on', '-abort_on', 'WARNING', '-indev', image, '-extract', '/', to]);
    expect(exitCode, stderr).toBe(0);
    const entries = readdirSync(to, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return new Map(
      entries.map(({ parentPath, name }) => [join(parentPath, name).slice(to.length), readFileSync(join(parentPath, name))] as const),
    );
  } finally {
    rmSync(to, { recursive: true });
  }
}
