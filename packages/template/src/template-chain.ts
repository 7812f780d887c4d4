import { readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { ProblemReport } from '@ict/plugin-api';
import { templateError, type TemplateCode } from './errors.js';
import type { TemplateLayer } from './merge.js';
import type { Path } from './path.js';
import { problem } from './problem.js';
import type { Template } from './schema/template.js';
import { parseTemplate, type ParsedTemplate } from './template-document.js';

/** A template and those that it extends. */
export interface TemplateChain {
  /** Root first, the template itself last; empty when `problems` has an error. */
  readonly layers: readonly TemplateLayer[];
  /** The template itself, as far as it could be read. */
  readonly template: Template | undefined;
  /** Absolute paths of all files that were read, the template first. */
  readonly files: readonly string[];
  readonly problems: readonly ProblemReport[];
  readonly warnings: readonly ProblemReport[];
}

/** More ancestors than this are hard to follow: a warning. */
const DEEP = 4;
/** More ancestors than this are refused. */
const MAX_DEPTH = 32;

/**
 * Reads a template and, through `extends`, its ancestors. A parent lies in the directory of its child or below, is reached
 * without symbolic links, has the same target, and never leads back to a file of the chain.
 *
 * @throws `ICT_TEMPLATE_UNREADABLE` when the template itself cannot be read as UTF-8 text
 */
export async function readChain(file: string, signal?: AbortSignal): Promise<TemplateChain> {
  const layers: TemplateLayer[] = [];
  const files: string[] = [];
  const problems: ProblemReport[] = [];
  const warnings: ProblemReport[] = [];
  const first = parseTemplate(await readText(file, signal), file);
  let current: ParsedTemplate = first;
  let currentFile = file;
  for (;;) {
    files.push(path.resolve(currentFile));
    problems.push(...current.problems);
    const { template, positions } = current;
    if (template === undefined) break;
    layers.unshift({ template, directory: path.dirname(path.resolve(currentFile)), positions, title: currentFile });
    const parent = template.extends;
    if (parent === undefined || parent === '') break;
    const place = (
      at: Path,
      code: TemplateCode,
      message: string,
      hint?: string,
      severity: 'error' | 'warning' = 'error',
    ): ProblemReport => {
      const position = positions.positionOf(at);
      return problem(code, message, {
        severity,
        ...(hint === undefined ? {} : { hint }),
        ...(position === undefined ? {} : { position, snippet: positions.snippet(position) }),
      });
    };
    const found = await findParent(currentFile, parent);
    if (typeof found === 'object') {
      problems.push(place(['extends'], 'ICT_TEMPLATE_EXTENDS', found.wrong));
      break;
    }
    if (files.includes(path.resolve(found)) || files.length > MAX_DEPTH) {
      problems.push(
        place(
          ['extends'],
          'ICT_TEMPLATE_EXTENDS',
          `extends leads in a circle: ${[...files, found].map((one) => path.basename(one)).join(' -> ')}`,
        ),
      );
      break;
    }
    if (files.length === DEEP + 1) {
      warnings.push(
        place(
          ['extends'],
          'ICT_TEMPLATE_EXTENDS',
          `the template has more than ${DEEP} ancestors`,
          'Long chains are hard to follow.',
          'warning',
        ),
      );
    }
    let text: string;
    try {
      text = await readText(found, signal);
    } catch (cause) {
      signal?.throwIfAborted();
      problems.push(place(['extends'], 'ICT_TEMPLATE_EXTENDS', `the parent cannot be read: ${(cause as Error).message}`));
      break;
    }
    const next = parseTemplate(text, found);
    const differing =
      next.template === undefined
        ? undefined
        : (['os', 'dist', 'arch', 'imageType'] as const).find((key) => next.template?.target[key] !== template.target[key]);
    if (differing !== undefined) {
      const [own, other] = [template.target[differing], next.template?.target[differing]];
      problems.push(
        place(
          ['target', differing],
          'ICT_TEMPLATE_EXTENDS',
          `target.${differing} is "${own}", but the parent ${parent} has "${other}"`,
          'Both must be the same.',
        ),
      );
      break;
    }
    current = next;
    currentFile = found;
  }
  return { layers: problems.length === 0 ? layers : [], template: first.template, files, problems, warnings };
}

/** @returns the parent's file, or what is wrong with the path */
async function findParent(child: string, parent: string): Promise<string | { readonly wrong: string }> {
  const parts = parent.split('/');
  if (path.isAbsolute(parent) || parts.includes('..'))
    return { wrong: `the parent ${JSON.stringify(parent)} is not inside the directory of this template` };
  const directory = path.dirname(child);
  const file = path.join(directory, parent);
  try {
    const expected = path.join(await realpath(directory), path.normalize(parent));
    if ((await realpath(file)) !== expected) return { wrong: `the parent ${JSON.stringify(parent)} is reached through a symbolic link` };
  } catch (cause) {
    // An absent or unreadable parent is a problem of the template, not a failure of ours.
    return { wrong: `the parent ${JSON.stringify(parent)} cannot be read: ${(cause as NodeJS.ErrnoException).code}` };
  }
  return file;
}

/**
 * Reads a whole file as UTF-8.
 *
 * @throws `ICT_TEMPLATE_UNREADABLE`
 */
export async function readText(file: string, signal?: AbortSignal): Promise<string> {
  try {
    const bytes = await readFile(file, { ...(signal === undefined ? {} : { signal }) });
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    signal?.throwIfAborted();
    const code = (cause as NodeJS.ErrnoException).code;
    const why =
      code === 'ENOENT'
        ? 'it does not exist'
        : code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
          ? 'it is not UTF-8 text'
          : String(code ?? cause);
    throw templateError('ICT_TEMPLATE_UNREADABLE', {
      message: `cannot read ${file}: ${why}`,
      hint: 'Give the path of a YAML file.',
      facts: { file },
      cause,
    });
  }
}
