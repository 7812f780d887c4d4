import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isInstalled } from '../install.mjs';
import { isNewEnough } from '../node.mjs';

const installed = {
  'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
  'packages/own': { name: 'own', version: '1.0.0' },
};
const lock = { '': { name: 'root' }, ...installed, 'node_modules/for-another-platform': { version: '1.0.0', optional: true } };

describe('isInstalled', () => {
  it('accepts what npm leaves after an install', () => {
    expect(isInstalled(lock, installed)).toBe(true);
  });

  it.each([
    ['a package is missing', { 'packages/own': lock['packages/own'] }],
    ['a package has another version', { ...installed, 'node_modules/a': { version: '1.0.1', integrity: 'sha512-b' } }],
    ['a package is there that nobody asked for', { ...installed, 'node_modules/b': { version: '1.0.0' } }],
    ['nothing is there', {}],
  ])('refuses when %s', (_name, present) => {
    expect(isInstalled(lock, present)).toBe(false);
  });
});

describe('isNewEnough', () => {
  it.each([
    ['24.15.0', true],
    ['24.21.0', true],
    ['26.0.0', true],
    ['24.14.9', false],
    ['22.23.3', false],
    ['20.20.2', false],
  ])('%s: %s', (version, expected) => {
    expect(isNewEnough(version)).toBe(expected);
  });
});

it('the workspace pins the Node that it goes on with', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    optionalDependencies: Record<string, string>;
  };
  for (const arch of ['x64', 'arm64']) {
    const version = manifest.optionalDependencies[`node-linux-${arch}`];
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(isNewEnough(version ?? '')).toBe(true);
  }
});
