import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
}

const published = execFileSync('git', ['ls-files', 'packages/*/package.json', 'providers/*/package.json'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '')
  .map((path) => JSON.parse(readFileSync(join(root, path), 'utf8')) as Manifest)
  .filter((manifest) => manifest.private !== true);

const options: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ESNext,
  lib: ['lib.esnext.d.ts'],
  strict: true,
  declaration: true,
  emitDeclarationOnly: true,
  skipLibCheck: true,
  types: ['node'],
  typeRoots: [join(root, 'node_modules/@types')],
};

/** A compiler that finds these files, by name, beside those on disk. */
function compile(files: ReadonlyMap<string, string>, more: ts.CompilerOptions = {}): ts.Program {
  const all = { ...options, ...more };
  const host = ts.createCompilerHost(all);
  const { fileExists, getSourceFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.getSourceFile = (name, version, ...rest) => {
    const code = files.get(name);
    return code === undefined ? getSourceFile(name, version, ...rest) : ts.createSourceFile(name, code, version);
  };
  host.writeFile = () => undefined;
  return ts.createProgram([...files.keys()], all, host);
}

/** Functions that a package exports, by name. */
function functionsOf(program: ts.Program, file: string): readonly string[] {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file) as ts.SourceFile;
  const [all] = checker.getExportsOfModule(checker.getSymbolAtLocation(source) as ts.Symbol);
  const type = checker.getTypeOfSymbol(all as ts.Symbol);
  return type.getProperties().flatMap((member) => {
    const calls = checker.getTypeOfSymbol(member).getCallSignatures();
    return calls.length > 0 ? [member.name] : [];
  });
}

const file = (name: string) => join(root, `uses-${name.replace(/\W/g, '-')}.ts`);
const imports = new Map(published.map(({ name }) => [file(name), `import * as all from '${name}';\nexport const everything = all;\n`]));
const told = (found: readonly ts.Diagnostic[]) => found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));

it('whoever checks the declarations of packages finds no fault in them, nor in what they import', () => {
  const program = compile(imports, { skipLibCheck: false });
  const sources = program.getSourceFiles().filter(({ fileName }) => !/\/node_modules\/(?:typescript|@types)\//.test(fileName));
  expect(told(sources.flatMap((source) => program.getSemanticDiagnostics(source)))).toEqual([]);
});

it('whoever writes a function around one of a package can have its type written down', () => {
  const known = compile(imports);
  const uses = new Map(
    published.map(({ name }) => {
      const calls = functionsOf(known, file(name)).map(
        (one) => `export const ${one} = (...args: Parameters<typeof all.${one}>) => all.${one}(...args);`,
      );
      return [file(name), `import * as all from '${name}';\n${calls.join('\n')}\nexport {};\n`];
    }),
  );
  expect([...uses.values()].join('\n').match(/=>/g)?.length).toBeGreaterThan(200);
  const program = compile(uses);
  const unnamed = [...uses.keys()].flatMap((name) => program.getDeclarationDiagnostics(program.getSourceFile(name)));
  expect(told(unnamed)).toEqual([]);
});
