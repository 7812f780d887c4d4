import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** Documents of the project, as paths from its root. Generated changelogs link to where they are published. */
const documents = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)) && !/(^|\/)(CHANGELOG\.md|fixtures\/)/.test(path));

/** A document without its code, in which brackets mean something else. */
function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8')
    .replace(/^( *)(`{3,}|~{3,})[^]*?^\1\2.*$/gm, '')
    .replace(/(`+)[^`]+\1/g, '');
}

/** Targets of the links within the project. */
function linksOf(path: string): readonly string[] {
  return [...textOf(path).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target).filter((target) => !/^[a-z]+:/.test(target));
}

/** Names that lead to the headings of a document, as browsers of repositories make them. */
function anchorsOf(path: string): readonly string[] {
  return [...readFileSync(join(root, path), 'utf8').matchAll(/^#+ +(.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('documents', () => {
  it('link to what exists', () => {
    const dead = documents.flatMap((path) =>
      linksOf(path)
        .filter((link) => {
          const [file = '', anchor] = link.split('#');
          const target = file === '' ? path : join(dirname(path), file);
          if (!existsSync(join(root, target))) return true;
          return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(anchor);
        })
        .map((link) => `${path}: ${link}`),
    );
    expect(dead).toEqual([]);
    expect(documents.flatMap(linksOf).length).toBeGreaterThan(100);
  });

  it('of decisions are listed once each, in order', () => {
    const pages = documents.filter((path) => /^docs\/decisions\/\d{4}-/.test(path)).map((path) => path.replace('docs/decisions/', ''));
    const listed = [...textOf('docs/decisions/README.md').matchAll(/^\| \[(\d{4})\]\(([^)]+)\)/gm)].map(([, number, page]) => [
      number,
      page,
    ]);
    expect(listed).toEqual(pages.sort().map((page) => [page.slice(0, 4), page]));
  });
});
