import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TwinOfPackage } from '@ict/cache';
import { integrityOf } from '@ict/integrity';
import type { Provider } from '@ict/plugin-api';
import { afterAll, describe, expect, it } from 'vitest';
import { checkTwin } from '../../src/packages/twin-check.js';

const { signal } = new AbortController();
const directory = mkdtempSync(join(tmpdir(), 'ict-twin-check-'));
afterAll(() => rmSync(directory, { recursive: true }));
const written: string[] = [];
/** Its twins are the name of the package. */
const provider = {
  twins: {
    version: 3,
    write: async (file: string, out: string) => {
      written.push(out);
      writeFileSync(out, `twin of ${file}`);
    },
  },
} as unknown as Provider;

const twin = (more: object): TwinOfPackage => ({ by: 'deb', version: 3, package: '/a.deb', ...more }) as unknown as TwinOfPackage;
const room = { directories: [directory], wantedBytes: 0 };
const prove = (more: object) =>
  checkTwin(twin(more), async (ecosystem) => (ecosystem === 'deb' ? provider : ({} as Provider)), { directory, room, signal });

describe('the proof of a twin', () => {
  it('is that the package gives the same again', async () => {
    expect(await prove({ integrity: integrityOf('twin of /a.deb') })).toBeUndefined();
    expect(await prove({ integrity: integrityOf('twin of /b.deb') })).toBe('it is not what its package unpacks as');
    expect(written).toEqual([join(directory, 'twin'), join(directory, 'twin')]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is none where the disk is full, which says nothing of the twin', async () => {
    const write = () => Promise.reject(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }));
    const full = { twins: { version: 3, write } } as unknown as Provider;
    await expect(checkTwin(twin({}), async () => full, { directory, room, signal })).rejects.toMatchObject({
      code: 'ICT_HOST_DISK_FULL',
      facts: { directory },
    });
  });

  it.each([{ version: 2 }, { by: 'rpm' }])('is not asked of %j, which no build uses', async (other) => {
    written.length = 0;
    expect(await prove({ integrity: integrityOf('anything'), ...other })).toBeUndefined();
    expect(written).toEqual([]);
  });
});
