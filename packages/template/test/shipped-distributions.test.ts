import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseDistribution } from '../src/distribution.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const shipped = readdirSync(`${root}/providers`).flatMap((provider) => {
  const directory = `${root}/providers/${provider}/distros`;
  if (!existsSync(directory)) return [];
  return readdirSync(directory).map((name) => ({ provider, name, file: `${directory}/${name}` }));
});

it('there are definitions of two ecosystems', () => {
  expect(shipped.map(({ provider, name }) => `${provider}/${name}`)).toEqual(
    expect.arrayContaining(['deb/debian13.yml', 'deb/ubuntu24.yml', 'rpm/azl3.yml', 'rpm/el10.yml']),
  );
});

describe.each(shipped)('$provider/$name', ({ provider, name, file }) => {
  const { definition, problems } = parseDistribution(readFileSync(file, 'utf8'), file);

  it('is valid, defaults included, and named after its distribution', () => {
    expect(problems).toEqual([]);
    expect([definition?.ecosystem, `${definition?.dist}.yml`]).toEqual([provider, name]);
    expect(Object.keys(definition?.defaults ?? {})).toContain('raw');
  });

  it('names keyrings that are there, and packages for what every disk needs', () => {
    for (const { keyrings } of definition?.repositories ?? []) for (const keyring of keyrings) expect(existsSync(keyring)).toBe(true);
    for (const capability of ['ext4', 'fat', 'convert']) expect(definition?.tools.packages[capability]?.length).toBeGreaterThan(0);
  });
});

it('no two define one target', () => {
  const targets = shipped.map(({ file }) => {
    const { definition } = parseDistribution(readFileSync(file, 'utf8'), file);
    return `${definition?.os}/${definition?.dist}`;
  });
  expect(new Set(targets).size).toBe(targets.length);
});
