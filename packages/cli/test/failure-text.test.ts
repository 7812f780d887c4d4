import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import type { ErrorRecord, ProblemReport } from '@ict/plugin-api';
import { failureText } from '../src/views/failure-text.js';

const problem = (message: string, hint: string): ProblemReport => ({ code: 'ICT_DEB_UNSATISFIABLE', message, hint, severity: 'error' });

function textOf(message: string, problems: readonly ProblemReport[], hint = problems[0]?.hint): string {
  const because = problems.flatMap((each) => each.message.split('\n').slice(1));
  const record: ErrorRecord = {
    code: 'ICT_RESOLVE_UNSOLVABLE',
    kind: 'unsolvable',
    message,
    ...(hint === undefined ? {} : { hint }),
    problems,
    facts: { because },
  };
  return failureText(record, pc.createColors(false));
}

describe('a failure for people', () => {
  it('that has one problem, which says the same and more, is told once', () => {
    expect(textOf('a and b exclude each other', [problem('a and b exclude each other\n  a conflicts with b', 'Leave out b.')])).toBe(
      [
        'error ICT_DEB_UNSATISFIABLE  a and b exclude each other',
        '  a conflicts with b',
        '  hint: Leave out b.',
        '  more: docs/errors/ICT_DEB_UNSATISFIABLE.md',
        '',
      ].join('\n'),
    );
  });

  it('with several problems counts and lists them, each with its own hint', () => {
    expect(textOf('the packages cannot be resolved: 2 problems', [problem('first', 'Do this.'), problem('second', 'Do that.')])).toBe(
      [
        'error ICT_RESOLVE_UNSOLVABLE  the packages cannot be resolved: 2 problems',
        '',
        'error ICT_DEB_UNSATISFIABLE  first',
        '  hint: Do this.',
        '',
        'error ICT_DEB_UNSATISFIABLE  second',
        '  hint: Do that.',
        '  more: docs/errors/ICT_DEB_UNSATISFIABLE.md',
        '',
      ].join('\n'),
    );
  });

  it('tells a line for each of the things that it is about, and of many the first ten', () => {
    const code = 'ICT_PACKAGES_OFFLINE';
    const of = (count: number): string => {
      const problems = Array.from({ length: count }, (_none, index) => ({ code, message: `p${index}`, severity: 'error' as const }));
      const record: ErrorRecord = { code, kind: 'offline', message: 'some are missing', hint: 'Fetch them.', facts: {}, problems };
      return failureText(record, pc.createColors(false));
    };
    const page = `  more: docs/errors/${code}.md\n`;
    expect(of(2)).toBe(`error ${code}  some are missing\n  p0\n  p1\n  hint: Fetch them.\n${page}`);
    expect(of(12).split('\n').slice(10, 13)).toEqual(['  p9', '  and 2 more; --json lists them all', '  hint: Fetch them.']);
  });

  it('keeps its own words and hint where the problem has others', () => {
    expect(textOf('x.yml cannot be built: 1 problem', [problem('no key', 'Give the key.')], 'Mend it.').split('\n')).toEqual([
      'error ICT_RESOLVE_UNSOLVABLE  x.yml cannot be built: 1 problem',
      '',
      'error ICT_DEB_UNSATISFIABLE  no key',
      '  hint: Give the key.',
      '  hint: Mend it.',
      '  more: docs/errors/ICT_DEB_UNSATISFIABLE.md',
      '',
    ]);
  });
});
