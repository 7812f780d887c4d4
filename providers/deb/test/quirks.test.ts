import { expect, it } from 'vitest';
import { readQuirks } from '../src/quirks.js';

it('reads lists, and takes absent ones as empty', () => {
  expect(readQuirks({ dist: 'd', quirks: { preExtract: ['dpkg', 'libc6'], usrMerge: ['bin'] } })).toEqual({
    preExtract: ['dpkg', 'libc6'],
    usrMerge: ['bin'],
  });
  expect(readQuirks({ dist: 'd' })).toEqual({ preExtract: [], usrMerge: [] });
});

it.each([
  [{ preExtract: 'dpkg' }, 1],
  [{ preExtract: ['dpkg', 3] }, 1],
  [{ preExtract: ['../dpkg'] }, 1],
  [{ preExtract: ['dpkg', 'dpkg'] }, 1],
  [{ usrMerge: ['bin/..'], preextract: [] }, 2],
])('refuses %j', (quirks, problems) => {
  expect(() => readQuirks({ dist: 'd', quirks })).toThrow(
    expect.objectContaining({ code: 'ICT_DEB_QUIRKS_INVALID', problems: expect.objectContaining({ length: problems }) }),
  );
});
