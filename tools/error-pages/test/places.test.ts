import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));

/** What a row names before somebody makes it. */
const NOT_THERE_YET = new Set(['filesystem-f2fs.ts']);
/** What looks like a path, or a name of the code, and is none of this checkout. */
const ELSEWHERE = new Set(['@ict/cli', 'name/suite', 'prepack']);
/** Where every row may send somebody without saying where it is: pages of errors, and `host-programs.json`. */
const KNOWN_TO_ALL = ['docs', 'tools/bootstrap'];

const FILE = /\.(?:ts|mjs|js|json|md|yml)$/;
const PATH = /^[\w.*@-]+(?:\/[\w.*@-]+)*$/;
const NAME = /^[A-Za-z_$][\w$]*(?:\.[a-z]\w*)*$/;

/** A path as the page may write it: `core/build.ts` stands for `packages/core/src/build.ts`. */
const short = (path: string): string => `/${path}/`.replace(/^\/(?:packages|providers|tools)\//, '/').replace('/src/', '/');

/** The part of the checkout that a file belongs to: `packages/core`, `docs`. */
const partOf = (path: string): string => {
  const [first = '', second = ''] = path.split('/');
  return ['packages', 'providers', 'tools'].includes(first) ? `${first}/${second}` : first;
};

/** Parts of the checkout in which a path is found; `*` and words such as NAME stand for anything. */
function partsWith(place: string): readonly string[] {
  const pattern = short(place)
    .replace(/[.$]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replace(/\b(?:NAME|CODE|DIST)\b/g, '[^/]+');
  const found = new RegExp(pattern);
  return [...new Set(files.filter((path) => found.test(short(path))).map(partOf))];
}

/** Names that occur in the code of a part of the checkout. */
const namesOf = Map.groupBy(
  files.filter((path) => /\.(?:ts|mjs|js|json|yml)$/.test(path)),
  partOf,
);
const known = new Map<string, ReadonlySet<string>>();
function namesIn(part: string): ReadonlySet<string> {
  const names = known.get(part) ?? new Set((namesOf.get(part) ?? []).flatMap((path) => textOf(path).match(/[A-Za-z_$][\w$]*/g) ?? []));
  known.set(part, names);
  return names;
}

function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Packages whose names are no words of English, so that a row may name them without a path. */
const packages = [...new Set(files.map(partOf))].filter((part) => /^packages\/(?:\w+-[\w-]+|sbom)$/.test(part));

interface Row {
  readonly title: string;
  readonly code: readonly string[];
  /** Parts of the checkout that it speaks of. */
  readonly parts: readonly string[];
}

const [, section = ''] = textOf('docs/architecture.md').split('\n## Where a change goes\n');
const rows = section
  .split(/\n(?=- |#)/)
  .filter((text) => text.startsWith('- '))
  .map((text): Row => {
    const code = [...text.matchAll(/`([^`]+)`/g)].map(([, one = '']) => one).filter((one) => !ELSEWHERE.has(one));
    const named = packages.filter((part) => new RegExp(`(?<![\\w-])${part.replace('packages/', '')}(?![\\w-])`).test(text));
    return {
      title: /\*\*(.*?)\*\*/.exec(text)?.[1] ?? text,
      code,
      parts: [...named, ...code.filter((one) => PATH.test(one) && one.includes('/')).flatMap(partsWith)],
    };
  });

describe('what the reference claims', () => {
  it('is held by tests that are there', () => {
    const cells = textOf('docs/reference-claims.md')
      .split('\n')
      .flatMap((line) => line.split(' | ')[2] ?? []);
    const tests = cells.flatMap((cell) => [...cell.matchAll(/`([\w-]+)\/([\w/-]+)`/g)]);
    expect(tests.length).toBeGreaterThan(70);
    const lost = tests.filter(([, part, name]) => {
      const found = new RegExp(`^(?:\\w+/)?${part}/test/(?:.+/)?${name}(?:/.+)?\\.test\\.ts$`);
      return !files.some((path) => found.test(path));
    });
    expect(lost.map(([cited]) => cited)).toEqual([]);
  });
});

describe('where a change goes', () => {
  it('is told by paths that are there', () => {
    const paths = rows.flatMap(({ title, code }) =>
      code.filter((one) => PATH.test(one) && one.includes('/')).map((one) => ({ title, one })),
    );
    expect(paths.length).toBeGreaterThan(300);
    expect(paths.filter(({ one }) => partsWith(one).length === 0)).toEqual([]);
  });

  it('is told by names of files in packages that the row speaks of', () => {
    const isThere = (name: string, parts: readonly string[]) => partsWith(name).some((part) => [...parts, ...KNOWN_TO_ALL].includes(part));
    const lost = rows.flatMap(({ title, code, parts }) =>
      code
        .filter((one) => FILE.test(one) && PATH.test(one) && !one.includes('/') && !NOT_THERE_YET.has(one))
        .filter((one) => !isThere(one, parts))
        .map((one) => `${title}: ${one}`),
    );
    expect(lost).toEqual([]);
    expect([...NOT_THERE_YET].filter((name) => partsWith(name).length > 0)).toEqual([]);
  });

  it('is told by names that occur in the code of packages that the row speaks of', () => {
    const lost = rows.flatMap(({ title, code, parts }) =>
      code
        .filter((one) => NAME.test(one) && !FILE.test(one))
        .filter((one) => one.split('.').some((name) => !parts.some((part) => namesIn(part).has(name))))
        .map((one) => `${title}: ${one}`),
    );
    expect(lost).toEqual([]);
  });
});
