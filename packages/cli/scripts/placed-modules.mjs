import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { parseAst } from 'rolldown/parseAst';
import { replaced } from './replaced-ranges.mjs';

/** The names under which changed modules import what stands in for their own expressions. */
const URL_OF = 'ictModuleUrl';
const LAZILY = 'ictImportLazily';
const FOR_THREADS = 'ictImportForThreads';

/**
 * A plugin for the bundler that lets modules know where they lie on disk, and leaves out what is rarely needed.
 *
 * `import.meta.url` becomes a call that finds the installed module. A third-party package that is imported with `import()` stays out of the
 * bundle and is found from the package that imports it. Everything else goes into the bundle, or fails the build when it would mean another
 * place there.
 *
 * @param packages those of `installedPackages`.
 * @param support paths of the modules with `moduleUrl`, and with `importLazily` and `importForThreads`.
 * @param {{ taken?: readonly string[], threads?: readonly string[], programs?: ReadonlyMap<string, string> }} [options]
 * @param options.taken names of third-party packages of which the bundle gets a chunk although they are imported with `import()`; they must not
 *   mind where they lie, or another plugin sees to it.
 * @param options.threads names of those of them that start threads.
 * @param options.programs modules that run in threads and processes of their own, as a map from their paths to the names of their chunks:
 *   `new URL(…, import.meta.url)` of one becomes that of its chunk.
 * @returns the plugin, and the set of packages that it left out, by index.
 */
export function placedModules(packages, support, { taken = [], threads = [], programs = new Map() } = {}) {
  const left = new Set();

  /** What stands in the bundle for the import of a third-party package that a module loads when it needs it; undefined for any other. */
  async function imported(context, node, code, importer) {
    const specifier = node.source.value;
    if (/^[./]/.test(specifier) || isBuiltin(specifier)) return undefined;
    const { id } = await context.resolve(specifier, importer);
    if (!id.includes('/node_modules/')) return undefined;
    const place = packages.locate(id);
    const { name } = packages.list[place.index];
    if (taken.includes(name))
      return { ...node, text: `${threads.includes(name) ? FOR_THREADS : LAZILY}(() => ${code.slice(node.start, node.end)})` };
    left.add(place.index);
    return { ...node.source, text: urlOf(place) };
  }

  /** What stands in the bundle for the URL of a program; undefined for any other expression. */
  function started(node, id) {
    if (node.type !== 'NewExpression' || node.callee.name !== 'URL' || node.arguments.length !== 2) return undefined;
    const [file, base] = node.arguments;
    if (typeof file.value !== 'string' || base.property?.name !== 'url' || !isImportMeta(base.object)) return undefined;
    const chunk = programs.get(join(id, '..', file.value));
    return chunk && { ...file, text: JSON.stringify(`./${chunk}`), base: base.object };
  }

  function urlOf({ index, path }) {
    return `${URL_OF}(${JSON.stringify(packages.wayTo(index))}, ${JSON.stringify(path)})`;
  }

  async function transform(code, id) {
    if (Object.values(support).includes(id) || id.startsWith('\0') || !/\bimport\s*[.(]|\b__(?:dirname|filename)\b/.test(code))
      return undefined;
    const own = packages.locate(id);
    if (taken.includes(packages.list[own.index].name)) return undefined;
    const changes = [];
    /** `import.meta` where it means the bundle. */
    const inBundle = new Set();
    let metas = 0;
    for (const node of nodesOf(parseAst(code))) {
      const program = started(node, id);
      if (program !== undefined) {
        changes.push(program);
        inBundle.add(program.base);
      } else if (node.type === 'ImportExpression' && node.source.type === 'Literal') {
        const change = await imported(this, node, code, id);
        if (change !== undefined) changes.push(change);
      } else if (node.type === 'MemberExpression' && isImportMeta(node.object)) {
        metas--;
        if (inBundle.has(node.object)) continue;
        if (node.property.name === 'url') changes.push({ ...node, text: urlOf(own) });
        else if (node.property.name !== 'resolve' || own.index !== 0) throw misplaced(id, `import.meta.${node.property.name}`);
      } else if (isImportMeta(node)) {
        metas++;
      } else if (node.type === 'Identifier' && ['__dirname', '__filename'].includes(node.name)) {
        throw misplaced(id, node.name);
      }
    }
    if (metas !== 0) throw misplaced(id, 'import.meta');
    if (changes.length === 0) return undefined;
    const imports = [
      `import { moduleUrl as ${URL_OF} } from ${JSON.stringify(support.moduleUrl)};`,
      `import { importLazily as ${LAZILY}, importForThreads as ${FOR_THREADS} } from ${JSON.stringify(support.importLazily)};`,
    ];
    return { code: [...imports, replaced(code, changes)].join('\n'), map: null };
  }

  return { plugin: { name: 'placed-modules', transform }, left };
}

function misplaced(id, what) {
  return new Error(`${id}: ${what} would mean another place in the bundle; import the package with import() to leave it out`);
}

function isImportMeta(node) {
  return node.type === 'MetaProperty' && node.meta.name === 'import';
}

/** A syntax tree's nodes, each before those in it. */
function* nodesOf(node) {
  if (Array.isArray(node)) for (const one of node) yield* nodesOf(one);
  if (typeof node?.type !== 'string') return;
  yield node;
  for (const value of Object.values(node)) if (typeof value === 'object' && value !== null) yield* nodesOf(value);
}
