import { isBuiltin } from 'node:module';
import { parseAst } from 'rolldown/parseAst';
import { replaced } from './replaced-ranges.mjs';

/**
 * Modules of Node that are large and that chunks import as a whole, for what they rarely do: loaded when something of them is asked for.
 * The parser of the command line would start subcommands that are programs of their own; `ict` has none.
 */
const LATE = ['node:child_process'];

/**
 * A plugin for the bundler that lets chunks take modules of Node from `process.getBuiltinModule`.
 *
 * An `import` of one makes Node read each of its exports first, and some load more when they are read: all of `crypto` the web's cryptography,
 * `fs` its streams, `process` opens standard input. That took `ict --help` 10 ms of 100.
 */
export function nodeBuiltins() {
  return {
    name: 'node-builtins',
    renderChunk(code, { fileName }) {
      const changes = parseAst(code)
        .body.filter(({ source }) => source && isBuiltin(source.value))
        .map((node) => {
          if (node.type !== 'ImportDeclaration') throw new Error(`${fileName}: re-exports ${node.source.value}, which is not provided for`);
          return { start: node.start, end: node.end, text: taken(node) };
        });
      return changes.length === 0 ? null : { code: replaced(code, changes), map: null };
    },
  };
}

/**
 * What stands for an import: `var`, because chunks that import each other may call functions of one that has not run so far, and by way of
 * `globalThis`, because a module may call what it imports `process`.
 */
function taken({ source, specifiers }) {
  const module = `globalThis.process.getBuiltinModule(${JSON.stringify(source.value)})`;
  // The default export of a module of Node is all of it, under whichever name it is imported.
  const isNamed = ({ type, imported }) => type === 'ImportSpecifier' && imported.name !== 'default';
  const named = specifiers.filter(isNamed).map(({ imported, local }) => `${imported.name}: ${local.name}`);
  const whole = specifiers.filter((specifier) => !isNamed(specifier)).map(({ local }) => local.name);
  const names = [...whole, ...(named.length === 0 ? [] : [`{ ${named.join(', ')} }`])];
  const late = `new Proxy({}, { get: (_, name) => ${module}[name] })`;
  return names.map((name) => `var ${name} = ${LATE.includes(source.value) && whole.includes(name) ? late : module};`).join(' ');
}
