import { describe, expect, it } from 'vitest';
import { checkPins, unmatchedPins, withPins } from '../../src/templates/package-pins.js';
import { distribution, repository, sampleSpec, snapshotOf } from '../support/sample-image.js';

const pins = [{ packages: ['linux-*'], priority: 700 }];
const position = { file: '/image.yml', line: 9, column: 1 };

describe('pins of a template', () => {
  it('reach every repository', () => {
    const { repositories } = withPins(distribution, { pins });
    expect(repositories.length).toBeGreaterThan(1);
    expect(repositories.map((one) => one.pins)).toEqual(repositories.map(() => pins));
    expect(withPins(distribution, {})).toBe(distribution);
  });

  it('are warned of where no repository has their release or origin', () => {
    const snapshot = snapshotOf({ ...repository('main'), suite: 'stable' });
    const snapshots = [{ ...snapshot, root: { ...snapshot.root, codename: 'trixie', origin: 'Debian' } }];
    const at = (release: string | undefined, origin?: string) => ({ packages: ['a'], priority: 1, release, origin });
    const asked = [at('stable'), at('trixie'), at('main', 'Debian'), at(undefined), at('trixei'), at('sid', 'Acme')];
    const positions = new Map([['packagePins[5].origin', position]]);
    const spec = { positions, pins: asked as NonNullable<ReturnType<typeof sampleSpec>['pins']> };
    expect(unmatchedPins(spec, snapshots).map((one) => [one.code, one.severity, one.message, one.hint, one.position])).toEqual([
      ['ICT_PIN_UNMATCHED', 'warning', expect.stringContaining('release "trixei"'), 'Did you mean "trixie"?', undefined],
      [
        'ICT_PIN_UNMATCHED',
        'warning',
        expect.stringContaining('release "sid"'),
        expect.stringContaining('There is stable, trixie, main;'),
        undefined,
      ],
      ['ICT_PIN_UNMATCHED', 'warning', expect.stringContaining('origin "Acme"'), expect.stringContaining('There is Debian;'), position],
    ]);
    expect(unmatchedPins({ positions }, snapshots)).toEqual([]);
  });

  it.each([
    ['a resolver that takes them', pins, true, []],
    ['a template that has none', undefined, undefined, []],
    ['a resolver that would ignore them', pins, undefined, [['ICT_UNSUPPORTED_YET', position]]],
  ] as const)('are refused where nobody reads them: %s', (_what, given, takesPins, expected) => {
    const positions = new Map([['packagePins', position]]);
    const spec = { ...sampleSpec(), positions, ...(given === undefined ? {} : { pins: given }) };
    const found = checkPins(spec, distribution, { resolver: takesPins === undefined ? {} : { takesPins } });
    expect(found.map((one) => [one.code, one.position])).toEqual(expected);
  });
});
