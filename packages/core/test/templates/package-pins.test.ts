import { describe, expect, it } from 'vitest';
import { checkPins, withPins } from '../../src/templates/package-pins.js';
import { distribution, sampleSpec } from '../support/sample-image.js';

const pins = [{ packages: ['linux-*'], priority: 700 }];
const position = { file: '/image.yml', line: 9, column: 1 };

describe('pins of a template', () => {
  it('reach every repository', () => {
    const { repositories } = withPins(distribution, { pins });
    expect(repositories.length).toBeGreaterThan(1);
    expect(repositories.map((one) => one.pins)).toEqual(repositories.map(() => pins));
    expect(withPins(distribution, {})).toBe(distribution);
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
