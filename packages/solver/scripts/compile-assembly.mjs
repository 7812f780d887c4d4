import { Buffer } from 'node:buffer';
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { main } from 'assemblyscript/asc';

/** Compiles `assembly` to WebAssembly, in a module of TypeScript: part of the build, before `tsc`, which takes it as any other source. */
const OPTIONS = [
  '--optimizeLevel',
  '3',
  '--noAssert',
  '--runtime',
  'stub',
  '--use',
  'abort=',
  '--importMemory',
  '--enable',
  'simd,bulk-memory',
];

const files = new Map();
const { error, stderr } = await main(['assembly/index.ts', '--outFile', 'module.wasm', ...OPTIONS], {
  baseDir: fileURLToPath(new URL('..', import.meta.url)),
  writeFile: (name, content) => void files.set(name, content),
});
if (error !== null) throw new Error(`assembly does not compile: ${error.message}\n${stderr}`);
const bytes = Buffer.from(files.get('module.wasm'));
const directory = new URL('../src/compiled/', import.meta.url);
await mkdir(directory, { recursive: true });
await writeFile(
  new URL('search-module.ts', directory),
  `/** The search of \`assembly\` as WebAssembly, in base64: written by scripts/compile-assembly.mjs. */\nexport const SEARCH_MODULE =\n  '${bytes.toString('base64')}';\n`,
);
