import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const pagesDirectory = join(root, 'docs', 'errors');
const CODE = /^ICT(_[A-Z0-9]+)+$/;
/** Names that look like codes: variables of the environment that stand for settings. */
const VARIABLES: readonly string[] = variables();

/** Where a code stands: in the table of its package, or as a text somewhere in a source file. */
interface Mention {
  readonly code: string;
  readonly owner: string;
  readonly declared: boolean;
}

/** Every code that the sources of a package declare with `defineErrors({...})` or name in a string. */
function mentionsOf(owner: string): readonly Mention[] {
  const sources = join(root, owner, 'src');
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return files.flatMap((name) => {
    const file = ts.createSourceFile(name, readFileSync(join(sources, name), 'utf8'), ts.ScriptTarget.Latest, true);
    const found: Mention[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && node.expression.getText(file) === 'defineErrors') {
        for (const argument of node.arguments.filter(ts.isObjectLiteralExpression)) {
          for (const { name: key } of argument.properties)
            if (key !== undefined) found.push({ code: propertyName(key), owner, declared: true });
        }
      }
      if (ts.isStringLiteralLike(node) && CODE.test(node.text) && !VARIABLES.includes(node.text))
        found.push({ code: node.text, owner, declared: false });
      ts.forEachChild(node, visit);
    };
    visit(file);
    return found;
  });
}

function propertyName(name: ts.PropertyName): string {
  return ts.isIdentifier(name) || ts.isStringLiteralLike(name) ? name.text : name.getText();
}

/** The variables that the configuration declares, `[key, variable]` pairs of one table. */
function variables(): readonly string[] {
  const name = join(root, 'packages', 'template', 'src', 'configuration', 'config-keys.ts');
  return [...readFileSync(name, 'utf8').matchAll(/^ {2}\['[a-z_.]+', '(ICT_[A-Z_]+)'\],$/gm)].map(([, variable = '']) => variable);
}

/** Words in the sources that begin like a command and are none. */
const NOT_COMMANDS = ['ict password salt'];

/** Paths of all commands of the cli, such as `build` and `cache du`, as its source declares them. */
function declaredCommands(): readonly string[] {
  const sources = join(root, 'packages', 'cli', 'src');
  return readdirSync(sources)
    .filter((name) => /^.*-commands\.ts$/.test(name))
    .flatMap((name) => commandsOf(join(sources, name)));
}

function commandsOf(name: string): readonly string[] {
  const file = ts.createSourceFile(name, readFileSync(name, 'utf8'), ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) && node.expression.name.text === 'command') {
      const [word] = node.arguments;
      const parent = node.expression.expression.getText(file);
      if (word !== undefined && ts.isStringLiteralLike(word)) found.push(parent === 'program' ? word.text : `${parent} ${word.text}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** Every text of a source file: strings, and the fixed parts of templates. */
function textsOf(path: string): readonly string[] {
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) found.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** The commands that a text quotes, or begins with: `ict cache du` of "See `ict cache du`". */
function quotedCommands(text: string): readonly string[] {
  return [...text.matchAll(/(?:^|[`"'(]|: )(?:npx )?(ict [a-z]+(?: [a-z]+)?)/gm)].map(([, command = '']) => command);
}

/** Those that `ict` does not have; where a command has no commands of its own, the second word is an argument. */
function unknownCommands(quoted: readonly string[]): readonly string[] {
  return quoted.filter((command) => {
    const [, first = '', second] = command.split(' ');
    const parent = commands.some((path) => path.startsWith(`${first} `));
    return !commands.includes(parent && second !== undefined ? `${first} ${second}` : first);
  });
}

const commands = declaredCommands();
const owners = ['packages', 'providers']
  .flatMap((group) => readdirSync(join(root, group)).map((name) => join(group, name)))
  .filter((owner) => existsSync(join(root, owner, 'src')));
const mentions = owners.flatMap(mentionsOf);
const declared = mentions.filter((mention) => mention.declared);
const pages = readdirSync(pagesDirectory).map((name) => name.replace(/\.md$/, ''));
/** The contract names the code of errors that nobody foresaw; it has no table. */
const contractCodes = mentions.filter((mention) => mention.owner === join('packages', 'plugin-api')).map((mention) => mention.code);

describe('error codes', () => {
  it('are found', () => {
    expect(declared.length).toBeGreaterThan(20);
  });

  it('look like ICT_AREA_WHAT', () => {
    expect(declared.map((mention) => mention.code).filter((code) => !/^ICT(_[A-Z0-9]+){2,}$/.test(code))).toEqual([]);
  });

  it('belong to one package each', () => {
    const ownersOf = new Map<string, string[]>();
    for (const { code, owner } of declared) ownersOf.set(code, [...(ownersOf.get(code) ?? []), owner]);
    expect([...ownersOf].filter(([, list]) => list.length > 1)).toEqual([]);
  });

  it('are declared before they are used', () => {
    const known = new Set([...declared.map((mention) => mention.code), ...contractCodes]);
    expect(mentions.filter((mention) => !known.has(mention.code))).toEqual([]);
  });

  it('have a page each', () => {
    const wanted = new Set([...declared.map((mention) => mention.code), ...contractCodes]);
    expect([...wanted].filter((code) => !pages.includes(code)).sort()).toEqual([]);
  });
});

describe('error pages', () => {
  it('have a code each', () => {
    const known = new Set([...declared.map((mention) => mention.code), ...contractCodes]);
    expect(pages.filter((page) => !known.has(page)).sort()).toEqual([]);
  });

  it.each(pages)('%s starts with its code and says something', (page) => {
    const text = readFileSync(join(pagesDirectory, `${page}.md`), 'utf8');
    expect(text.split('\n')[0]).toBe(`# ${page}`);
    expect(text.length).toBeGreaterThan(page.length + 80);
  });

  it.each(pages)('%s says what happened, why, and what to do', (page) => {
    const text = readFileSync(join(pagesDirectory, `${page}.md`), 'utf8');
    const headings = text.split('\n').filter((line) => /^#{1,6} |^\*\*/.test(line));
    expect(headings).toEqual([`# ${page}`, '## Why it happens', '## What to do']);
    expect(text.split(/^#.*$/m).map((part) => part.trim() === '')).toEqual([true, false, false, false]);
  });
});

describe('commands that texts tell users to run', () => {
  it('are looked up among those of the cli', () => {
    expect(commands).toEqual(expect.arrayContaining(['build', 'doctor', 'cache', 'cache du', 'config show']));
    expect(quotedCommands('Run `ict cache burn`, "ict build x" or (ict bake).')).toEqual(['ict cache burn', 'ict build x', 'ict bake']);
    expect(unknownCommands(['ict cache burn', 'ict build x', 'ict bake', 'ict cache du'])).toEqual(['ict cache burn', 'ict bake']);
  });

  it.each(pages)('exist in %s', (page) => {
    expect(unknownCommands(quotedCommands(readFileSync(join(pagesDirectory, `${page}.md`), 'utf8')))).toEqual([]);
  });

  it.each(owners)('exist in the sources of %s', (owner) => {
    const sources = join(root, owner, 'src');
    const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    const texts = files.flatMap((name) => textsOf(join(sources, name))).filter((text) => !NOT_COMMANDS.includes(text));
    expect(unknownCommands(texts.flatMap(quotedCommands))).toEqual([]);
  });
});
