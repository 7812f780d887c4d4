import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PackagesIndex } from '../src/packages-index.js';
import { resolvePackages } from '../src/resolve.js';

const directory = new URL('fixtures/solver/bookworm/', import.meta.url);
const index = PackagesIndex.parse(readFileSync(new URL('Packages', directory)));
const answers = readdirSync(directory).filter((name) => name.endsWith('.txt'));

describe('against apt, on part of a real archive', () => {
  it('has answers', () => expect(answers.length).toBe(10));

  it.each(answers)('%s', (name) => {
    const [, request = '', mode] = /^(.*)-(recommends|strict)\.txt$/.exec(name)!;
    const resolution = resolvePackages({
      repositories: [{ id: 'bookworm', suites: ['bookworm'], priority: 500, index }],
      arch: 'amd64',
      seeds: request.split('+').map((each) => ({ request: each, reason: 'template' })),
      recommends: mode === 'recommends',
    });
    const expected = readFileSync(new URL(name, directory), 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    const names = resolution.kind === 'resolved' ? resolution.closure.packages.map((each) => each.name) : [];
    expect([...new Set(names)].sort()).toEqual(expected);
    expect(expected.length).toBeGreaterThan(5);
  });
});
