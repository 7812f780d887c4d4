import { describe, expect, it } from 'vitest';
import type { Provider } from '@ict/plugin-api';
import { checkForeign, requireForeign, withForeign } from '../../src/templates/foreign-architectures.js';
import { distribution, sampleSpec } from '../support/sample-image.js';

const position = { file: '/image.yml', line: 2, column: 5 };

function targetOf(...names: readonly string[]) {
  const spec = sampleSpec();
  const target = names.length === 0 ? spec.target : { ...spec.target, foreignArchitectures: names };
  return { target, positions: new Map([['target.foreignArchitectures[1]', position]]) };
}

const provider: Pick<Provider, 'refuseForeign'> = {
  refuseForeign: (name, arch) => (name === 'i368' ? `"${name}" is no architecture for ${arch}` : undefined),
};

describe('checkForeign', () => {
  it.each<[string, readonly string[], Pick<Provider, 'refuseForeign'>, readonly string[]]>([
    ['none', [], {}, []],
    ['what the provider knows', ['i386', 'armhf'], provider, []],
    ['what it does not', ['i386', 'i368'], provider, ['target.foreignArchitectures: "i368" is no architecture for x86_64']],
    ['one twice', ['i386', 'i386'], provider, ['target.foreignArchitectures: i386 is named twice']],
    [
      'any, where the ecosystem has none',
      ['i386'],
      {},
      [`target.foreignArchitectures: ${distribution.title} installs packages of one architecture only`],
    ],
  ])('says what is wrong with %s', (_what, names, part, expected) => {
    const problems = checkForeign(targetOf(...names), distribution, part);
    expect(problems.map(({ message }) => message)).toEqual(expected);
    expect(problems.every(({ code, severity }) => code === 'ICT_TEMPLATE_TARGET_UNKNOWN' && severity === 'error')).toBe(true);
  });

  it('names the place', () => {
    expect(checkForeign(targetOf('i386', 'i368'), distribution, provider)[0]?.position).toEqual(position);
  });
});

describe('requireForeign', () => {
  it('refuses what a target cannot have', () => {
    expect(() => requireForeign(['i386', 'i368'], 'x86_64', distribution, provider)).toThrow(
      expect.objectContaining({ code: 'ICT_ARCHITECTURE_REFUSED', facts: { architecture: 'i368' } }),
    );
    expect(() => requireForeign(['i386'], 'x86_64', distribution, {})).toThrow('packages of one architecture only');
    expect(() => requireForeign(['i386'], 'x86_64', distribution, provider)).not.toThrow();
  });
});

describe('withForeign', () => {
  it('has every repository read for them', () => {
    const { repositories } = withForeign(distribution, targetOf('i386').target);
    expect(repositories.length).toBeGreaterThan(1);
    expect(repositories.every(({ foreignArchitectures }) => foreignArchitectures?.join() === 'i386')).toBe(true);
    expect(withForeign(distribution, targetOf().target)).toBe(distribution);
  });
});
