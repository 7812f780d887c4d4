import { parseAst } from 'rolldown/parseAst';

/**
 * A plugin for the bundler that writes chunks in ASCII: one other character makes Node keep the whole text of a chunk in two bytes each, and
 * read it several times as long. In texts, patterns, names and comments an escape stands for the same.
 */
export function asciiChunks() {
  return {
    name: 'ascii-chunks',
    // Not when a chunk is rendered: the bundler prints it once more after that, and writes characters where it finds escapes.
    generateBundle(_, chunks) {
      for (const chunk of Object.values(chunks)) if (chunk.type === 'chunk' && !isAscii(chunk.code)) chunk.code = inAscii(chunk);
    },
  };
}

function inAscii({ code, fileName }) {
  // A tag sees what is written, and after a backslash an escape would be none.
  if (/\\[\u0080-\uffff]/.test(code) || hasTagged(parseAst(code), code))
    throw new Error(`${fileName}: has characters that cannot be escaped`);
  return code.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function isAscii(text) {
  return !/[\u0080-\uffff]/.test(text);
}

/** Whether a template that a tag reads has a character that is not ASCII. */
function hasTagged(node, code) {
  if (node === null || typeof node !== 'object') return false;
  if (Array.isArray(node)) return node.some((child) => hasTagged(child, code));
  if (node.type === 'TaggedTemplateExpression' && !isAscii(code.slice(node.quasi.start, node.quasi.end))) return true;
  return Object.values(node).some((child) => hasTagged(child, code));
}
