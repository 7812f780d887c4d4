import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { formatRelation, RelationTable } from '../src/relations/relation.js';
import { parseRich } from '../src/relations/rich.js';
import type { Rich } from '../src/relations/rich.js';
import { richClauses } from '../src/resolve/rich-clauses.js';
import type { PackageSet } from '../src/resolve/rich-clauses.js';

const directory = mkdtempSync(join(tmpdir(), 'ict-rpm-rich-'));
afterAll(() => rmSync(directory, { recursive: true }));

const parse = (text: string): Rich => parseRich(text, new RelationTable());

/** As it was written. */
function write(rich: Rich): string {
  if (rich.kind === 'relation') return formatRelation(rich.relation);
  if ('operands' in rich) return `(${rich.operands.map(write).join(` ${rich.kind} `)})`;
  const otherwise = rich.otherwise === undefined ? '' : ` else ${write(rich.otherwise)}`;
  return `(${write(rich.then)} ${rich.kind} ${write(rich.condition)}${otherwise})`;
}

/** What a boolean dependency means, said as plainly as can be. */
function holds(rich: Rich, installed: ReadonlySet<string>): boolean {
  const value = (part: Rich): boolean => holds(part, installed);
  switch (rich.kind) {
    case 'relation':
      return installed.has(rich.relation.name);
    case 'and':
      return rich.operands.every(value);
    case 'or':
      return rich.operands.some(value);
    case 'if':
      return value(rich.condition) ? value(rich.then) : rich.otherwise === undefined || value(rich.otherwise);
    case 'unless':
      return value(rich.condition) ? rich.otherwise !== undefined && value(rich.otherwise) : value(rich.then);
    default:
      throw new Error('sets are not part of this test');
  }
}

const name = fc.constantFrom('a', 'b', 'c', 'd').map((text): Rich => ({ kind: 'relation', relation: new RelationTable().relation(text) }));
const anyRich = fc.letrec<{ rich: Rich }>((tie) => ({
  rich: fc.oneof(
    { depthSize: 'small' },
    name,
    fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), operands: fc.array(tie('rich'), { minLength: 2, maxLength: 3 }) }),
    fc.record({
      kind: fc.constantFrom('if' as const, 'unless' as const),
      then: tie('rich'),
      condition: tie('rich'),
      otherwise: fc.option(tie('rich'), { nil: undefined }),
    }),
  ),
})).rich;

const isRelation = (set: PackageSet) => (set.kind === 'relation' ? set.relation.name : '');

describe('boolean dependencies', () => {
  it.each([
    '(a or b)',
    '(a and b and c)',
    '(a >= 1:2-3 if b)',
    '(a if b else c)',
    '(a unless b else (c or d))',
    '(a with b < 2)',
    '(a without (b or c))',
    '((perl(Foo::Bar) >= 1 if config(x)) and (y or z))',
    '(pkgA(x86-64) = 1.0-1 or /usr/bin/sh)',
  ])('%s is read, as by rpm', (text) => {
    expect(write(parse(text))).toBe(text);
    expect(readByRpm(text)).toBe(true);
  });

  it.each([
    '(a or b',
    '()',
    '(a or)',
    '(a or b and c)',
    '(a if b if c)',
    '(a without b without c)',
    '(a nor b)',
    '(a or (b if c))',
    '(a and (b unless c))',
    '(a with (b and c))',
    '(a >=)',
    '(a <> 1 or b)',
  ])('%s is refused, as by rpm', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'ICT_RPM_RELATION_INVALID' }));
    expect(readByRpm(text)).toBe(false);
  });

  it.each(['a or b)', '(a or b) c', '(a else b)', '(a if b else c else d)'])('%s is refused', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'ICT_RPM_RELATION_INVALID' }));
  });

  it('never fail without a code', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('(', ')', ' ', 'a', 'or', 'if', 'else', '>=', '1'), maxLength: 20 }), (text) => {
        try {
          parse(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ICT_RPM_RELATION_INVALID' });
        }
      }),
    );
    expect(() => parse('('.repeat(100_000))).toThrow(expect.objectContaining({ code: 'ICT_RPM_RELATION_INVALID' }));
  });
});

describe('clauses', () => {
  it('mean what the dependency means, and its opposite', () => {
    fc.assert(
      fc.property(anyRich, fc.subarray(['a', 'b', 'c', 'd']), fc.boolean(), (rich, names, wanted) => {
        const installed = new Set(names);
        const has = (set: PackageSet): boolean => installed.has(isRelation(set));
        let clauses;
        try {
          clauses = richClauses(rich, wanted);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ICT_RPM_RELATION_INVALID' }); // Too many clauses.
          return;
        }
        const all = clauses.every(({ some, none }) => some.some(has) || none.some((set) => !has(set)));
        expect(all).toBe(holds(rich, installed) === wanted);
      }),
    );
  });

  it('keep the order of alternatives', () => {
    const [clause] = richClauses(parse('(c or a or b)'));
    expect(clause!.some.map(isRelation)).toEqual(['c', 'a', 'b']);
  });

  it('are bounded', () => {
    const pairs = Array.from({ length: 9 }, (_, i) => `(a${i} and b${i})`).join(' or ');
    expect(() => richClauses(parse(`(${pairs})`))).toThrow(expect.objectContaining({ code: 'ICT_RPM_RELATION_INVALID' }));
  });
});

/** `unless` belongs into Conflicts. */
function readByRpm(text: string): boolean {
  const spec = join(directory, 'test.spec');
  writeFileSync(
    spec,
    `Name: t\nVersion: 1\nRelease: 1\nSummary: t\nLicense: t\n${text.includes('unless') ? 'Conflicts' : 'Requires'}: ${text}\n%description\n%files\n`,
  );
  try {
    execFileSync('rpmspec', ['-q', spec], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}
