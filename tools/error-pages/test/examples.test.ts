import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** What an example takes as given: names that are in no scope, also in the shorthand of an object. */
const GIVEN = [2304, 18004];
/** Types that the example would have if what is given had one. */
const UNTYPED = [7006, 7031];

/** Modules of whoever follows the example. */
const OWN_MODULE = /^Cannot find module '\.\.?\//;

/** Examples in READMEs of packages: by a file that would lie beside the README. */
const examples = new Map(
  execFileSync('git', ['ls-files', 'packages/*/README.md', 'providers/*/README.md'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((path) => path !== '')
    .flatMap((path) =>
      Array.from(
        readFileSync(join(root, path), 'utf8').matchAll(/^```[jt]s\n(.*?)^```$/gms),
        ([, code = ''], index) => [join(root, dirname(path), `README.example${index + 1}.ts`), code] as const,
      ),
    ),
);

/** What the compiler says of all examples, with the types of the built packages: `packages/core/README.example1.ts:3 ...`. */
function diagnostics(): readonly string[] {
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ESNext,
    lib: ['lib.esnext.d.ts'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => examples.has(name) || fileExists(name);
  host.readFile = (name) => examples.get(name) ?? readFile(name);
  host.getSourceFile = (name, version, ...more) => {
    const code = examples.get(name);
    return code === undefined ? getSourceFile(name, version, ...more) : ts.createSourceFile(name, code, version);
  };
  const program = ts.createProgram([...examples.keys()], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .filter(({ code }) => ![...GIVEN, ...UNTYPED].includes(code))
    .filter(({ messageText }) => !OWN_MODULE.test(String(messageText)))
    .map(({ file, start = 0, messageText }) => {
      const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1;
      return `${file?.fileName.slice(root.length + 1)}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
}

describe('examples in READMEs of packages', () => {
  it('are many', () => {
    expect(examples.size).toBeGreaterThan(15);
  });

  it('compile against the packages', () => {
    expect(diagnostics()).toEqual([]);
  });
});
