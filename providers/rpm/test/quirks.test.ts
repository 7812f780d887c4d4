import { describe, expect, it } from 'vitest';
import { INSTALL_ONLY, readQuirks } from '../src/quirks.js';

describe('readQuirks', () => {
  it('takes absent facts for none, and dnf\u2019s names for those of which an image can have several versions', () => {
    expect(readQuirks({ dist: 'x' })).toEqual({ preExtract: [], installOnly: INSTALL_ONLY });
    expect(readQuirks({ dist: 'x', quirks: { installOnly: [] } })).toEqual({ preExtract: [], installOnly: [] });
  });

  it('reads every fact', () => {
    const quirks = { preExtract: ['filesystem', 'setup'], installOnly: ['multiversion(kernel)', 'kmod'] };
    expect(readQuirks({ dist: 'x', quirks })).toEqual(quirks);
  });

  it.each([
    [{ preextract: [] }, '"preextract" is not known'],
    [{ preExtract: 'filesystem' }, '"preExtract" is no list'],
    [{ preExtract: ['a', 'a'] }, '"preExtract" is no list'],
    [{ preExtract: ['../x'] }, '"preExtract" is no list'],
    [{ installOnly: 'kernel' }, '"installOnly" is no list'],
    [{ installOnly: ['kernel >= 1'] }, '"installOnly" is no list'],
    [{ excludeDocs: true }, '"excludeDocs" is not known'],
  ])('refuses %j', (quirks, part) => {
    expect(() => readQuirks({ dist: 'x', quirks })).toThrow(
      expect.objectContaining({ code: 'ICT_RPM_QUIRKS_INVALID', message: expect.stringContaining(part) }),
    );
  });
});
