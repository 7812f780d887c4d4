import { Buffer } from 'node:buffer';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { cwd, argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { main } from 'assemblyscript/asc';

/**
 * Compiles AssemblyScript of a package to WebAssembly: `node ../assembly/scripts/compile.mjs NAME...` in its directory makes src/compiled/NAME-module.ts, which
 * exports NAME_MODULE, of assembly/NAME.ts, and nothing else is left there. Part of the build, before `tsc`, which takes these modules as any other source.
 */
const OPTIONS = ['--optimizeLevel 3', '--noAssert', '--runtime stub', '--use abort=', '--importMemory', '--enable simd,bulk-memory'];

const root = fileURLToPath(new URL('../../../', import.meta.url));
await rm('src/compiled', { recursive: true, force: true });
await mkdir('src/compiled', { recursive: true });
for (const name of argv.slice(2)) {
  const source = `assembly/${name}.ts`;
  const files = new Map();
  const { error, stderr } = await main(
    [
      `${relative(root, cwd())}/${source}`,
      '--baseDir',
      root,
      '--outFile',
      'module.wasm',
      ...OPTIONS.flatMap((option) => option.split(' ')),
    ],
    { writeFile: (file, content) => void files.set(file, content) },
  );
  if (error !== null) throw new Error(`${source} does not compile: ${error.message}\n${stderr}`);
  const bytes = Buffer.from(files.get('module.wasm')).toString('base64');
  const comment = `/** ${source} as WebAssembly, in base64: written by packages/assembly/scripts/compile.mjs. */`;
  await writeFile(`src/compiled/${name}-module.ts`, `${comment}\nexport const ${name.toUpperCase()}_MODULE =\n  '${bytes}';\n`);
}
