import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeResolution, parseResolveCases } from './resolve-case-file.js';

const directory = new URL('fixtures/solver/', import.meta.url);
const files = readdirSync(directory).filter((name) => name.endsWith('.txt'));

describe.each(files.sort())('%s', (name) => {
  const cases = parseResolveCases(readFileSync(new URL(name, directory), 'utf8'));

  it('has cases', () => expect(cases.length).toBeGreaterThan(0));

  it.each(cases.map((each) => [each.title, each] as const))('%s', (_title, each) => {
    expect(describeResolution(each).sort()).toEqual([...each.expected].sort());
  });

  it.each(cases.filter(({ expected }) => expected.some((line) => line.startsWith('because:'))).map((each) => [each.title, each] as const))(
    'tells it in order: %s',
    (_title, each) => {
      const told = (lines: readonly string[]): string[] => lines.filter((line) => line.startsWith('because:'));
      expect(told(describeResolution(each))).toEqual(told(each.expected));
    },
  );
});
