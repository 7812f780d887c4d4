import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeOutcome, parseCases, runCase } from './case-file.js';

const directory = new URL('cases/', import.meta.url);

describe.each(
  readdirSync(directory)
    .filter((name) => name.endsWith('.txt'))
    .sort(),
)('%s', (name) => {
  const cases = parseCases(readFileSync(new URL(name, directory), 'utf8'));

  it('has cases', () => expect(cases.length).toBeGreaterThan(0));

  it.each(cases.map((each) => [each.title, each] as const))('%s', (_title, each) => {
    expect(describeOutcome(runCase(each), each.names)).toEqual(each.expected);
  });
});
