import { describe, expect, it } from 'vitest';
import { unfitForTrees, type AskFileSystem } from '../src/file-system.js';

const NFS = { type: 0x6969, bavail: 1, blocks: 1, bsize: 4096 };

/** Answers for one path, and fails as the system does for all others. */
const only =
  (answering: string, code: string): AskFileSystem =>
  async (path) => {
    if (path === answering) return NFS;
    throw Object.assign(new Error(code), { code });
  };

describe('a path on a file system that takes no trees', () => {
  it.each(['ENOENT', 'ENOTDIR'])('is known by its nearest parent where the system says %s', async (code) => {
    expect(await unfitForTrees('/net/cache/.ict', only('/net', code))).toMatch(/^lies on NFS, /);
  });

  it.each(['EACCES', 'EIO', 'ESTALE', 'ELOOP', 'ENAMETOOLONG'])('is not known where the system says %s', async (code) => {
    expect(await unfitForTrees('/net/cache', only('/net', code))).toBeUndefined();
  });

  it('is an error where something else went wrong than the system says', async () => {
    const broken: AskFileSystem = () => Promise.reject(new TypeError('broken'));
    await expect(unfitForTrees('/net', broken)).rejects.toThrow('broken');
  });
});
