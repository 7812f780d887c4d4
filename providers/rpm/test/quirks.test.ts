import { describe, expect, it } from 'vitest';
import { readQuirks } from '../src/quirks.js';

describe('readQuirks', () => {
  it('takes absent facts for none', () => {
    expect(readQuirks({ dist: 'x' })).toEqual({ preExtract: [] });
  });

  it('reads every fact', () => {
    const quirks = { preExtract: ['filesystem', 'setup'] };
    expect(readQuirks({ dist: 'x', quirks })).toEqual(quirks);
  });

  it.each([
    [{ preextract: [] }, '"preextract" is not known'],
    [{ preExtract: 'filesystem' }, '"preExtract" is no list'],
    [{ preExtract: ['a', 'a'] }, '"preExtract" is no list'],
    [{ preExtract: ['../x'] }, '"preExtract" is no list'],
    [{ excludeDocs: true }, '"excludeDocs" is not known'],
  ])('refuses %j', (quirks, part) => {
    expect(() => readQuirks({ dist: 'x', quirks })).toThrow(
      expect.objectContaining({ code: 'ICT_RPM_QUIRKS_INVALID', message: expect.stringContaining(part) }),
    );
  });
});
