import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { readBounded } from '@ict/integrity';
import type { ProblemReport, SourcePosition } from '@ict/plugin-api';
import { templateError } from '../errors.js';
import type { TemplateLayer } from './merge.js';
import type { Path } from './path.js';
import type { PluginSections } from '../sections/plugin-section.js';
import { problem } from '../problems/problem.js';
import type { Template, TemplateDefaults } from '../schema/template.js';
import { checkTemplate } from './template-document.js';
import { whyUnreadable } from './unreadable-file.js';
import { gatherVariables, substitute, type Variable, type VariableSources } from './variables.js';
import { MAX_BYTES, parseYaml, type YamlDocument } from './yaml-document.js';

/** A template and those that it extends. */
export interface TemplateChain {
  /** Root first, the template itself last, each without what is not valid in it. */
  readonly layers: readonly TemplateLayer[];
  /** What the template is made of; undefined when it does not say. */
  readonly target: Template['target'] | undefined;
  /** Absolute paths of all files that were read, the template first. */
  readonly files: readonly string[];
  readonly variables: ReadonlyMap<string, Variable>;
  readonly problems: readonly ProblemReport[];
  readonly warnings: readonly ProblemReport[];
}

export interface ChainOptions {
  /** Text to take for the template itself; the file need not exist then. */
  readonly text?: string;
  readonly variables?: VariableSources;
  readonly sections?: PluginSections;
  readonly signal?: AbortSignal;
}

/** One file of the chain as YAML. */
interface Link {
  readonly file: string;
  readonly document: YamlDocument;
}

/** Stands for a parent that is not there or not readable: nothing is concluded from what its children leave to it. */
const UNKNOWN_PARENT: TemplateLayer = { template: {}, directory: undefined, title: 'parent', pruned: [[]] };

/** More ancestors than this are hard to follow: a warning. */
const DEEP = 4;
/** More ancestors than this are refused. */
const MAX_DEPTH = 32;

/**
 * Reads a template and, through `extends`, its ancestors. A parent lies in the directory of its child or below, is reached
 * without symbolic links, has the same target, and never leads back to a file of the chain. What is wrong names the chain.
 *
 * @throws `ICT_TEMPLATE_UNREADABLE` when the template itself cannot be read as UTF-8 text
 */
export async function readChain(file: string, options: ChainOptions = {}): Promise<TemplateChain> {
  const { links, problems, warnings } = await follow(file, options);
  const refused = problems.length > 0;
  const files = links.map((link) => path.resolve(link.file));
  for (const [depth, { document }] of links.entries()) problems.push(...inChain(document.problems, files.slice(0, depth + 1)));
  const declaring = links.toReversed().flatMap(({ document }) => (document.problems.length === 0 ? [document] : []));
  const { variables, problems: undeclared } = gatherVariables(declaring, options.variables ?? {});
  problems.push(...undeclared);
  const layers: TemplateLayer[] = [];
  let child: { readonly link: Link; readonly rest: TemplateDefaults } | undefined;
  for (const [depth, link] of links.entries()) {
    if (link.document.problems.length > 0) break;
    const { positions } = link.document;
    const filled = substitute(link.document, variables);
    warnings.push(...filled.warnings);
    problems.push(...inChain(filled.problems, files.slice(0, depth + 1)));
    if (filled.problems.length > 0) break;
    const { rest, pruned, problems: found } = checkTemplate(filled.data, positions, options.sections);
    const unfilled = new Set(filled.unfilled.map((at) => placeOf(positions.positionOf(at))));
    const known = found.filter(({ position }) => position === undefined || !unfilled.has(placeOf(position)));
    problems.push(...inChain(known, files.slice(0, depth + 1)));
    if (rest === undefined) break;
    if (child !== undefined) problems.push(...compareTargets(child.link, child.rest, link, rest, files.slice(0, depth + 1)));
    const directory = path.dirname(path.resolve(link.file));
    const unsure = [...pruned, ...filled.unfilled];
    layers.unshift({
      template: rest,
      directory,
      positions,
      title: link.file,
      ...(unsure.length === 0 ? {} : { pruned: unsure }),
      secret: filled.secret,
    });
    child = { link, rest };
  }
  if (layers.length > 0 && (refused || layers.length < links.length)) layers.unshift(UNKNOWN_PARENT);
  const target = wholeTarget(layers.at(-1)?.template.target);
  return { layers, target, files, variables, problems, warnings };
}

/** Reads the files of a chain, child before parent, as far as `extends` leads to one that may be read. */
async function follow(
  file: string,
  { text, signal }: ChainOptions,
): Promise<{ readonly links: readonly Link[]; readonly problems: ProblemReport[]; readonly warnings: ProblemReport[] }> {
  const links: Link[] = [{ file, document: parseYaml(text ?? (await readText(file, signal)), file) }];
  const problems: ProblemReport[] = [];
  const warnings: ProblemReport[] = [];
  for (;;) {
    const { file: childFile, document } = links.at(-1) as Link;
    const parent = (document.data as { readonly extends?: unknown } | undefined)?.extends;
    if (typeof parent !== 'string' || parent === '') break;
    const files = links.map((link) => path.resolve(link.file));
    const refuse = (message: string): void => {
      const next = path.isAbsolute(parent) ? parent : path.resolve(path.dirname(childFile), parent);
      problems.push(place(document, ['extends'], `${message}; the chain is ${chainText([...files, next])}`));
    };
    const found = await findParent(childFile, parent);
    if (typeof found === 'object') {
      refuse(found.wrong);
      break;
    }
    const circle = files.includes(path.resolve(found));
    if (circle || files.length > MAX_DEPTH) {
      const what = circle ? 'extends leads in a circle' : `the template has more than ${MAX_DEPTH} ancestors`;
      problems.push(place(document, ['extends'], `${what}: ${chainText([...files, path.resolve(found)])}`));
      break;
    }
    if (files.length === DEEP + 1) {
      const hint = 'Long chains are hard to follow.';
      warnings.push(place(document, ['extends'], `the template has more than ${DEEP} ancestors`, hint, 'warning'));
    }
    try {
      links.push({ file: found, document: parseYaml(await readText(found, signal), found) });
    } catch (cause) {
      signal?.throwIfAborted();
      refuse(`the parent cannot be read: ${(cause as Error).message}`);
      break;
    }
  }
  return { links, problems, warnings };
}

function placeOf(position: SourcePosition | undefined): string {
  return `${position?.line}:${position?.column}`;
}

/** `image.yml -> base/base.yml -> base/root.yml`, from the directory of the first; the files are absolute. */
function chainText(files: readonly string[]): string {
  const [first = ''] = files;
  return files.map((one) => path.relative(path.dirname(first), one)).join(' -> ');
}

/** What is wrong with the last of these files, with the chain that leads to it; the template itself needs none. */
function inChain(problems: readonly ProblemReport[], files: readonly string[]): readonly ProblemReport[] {
  if (files.length === 1) return problems;
  return problems.map((one) => ({ ...one, message: `${one.message}; the chain is ${chainText(files)}` }));
}

function place(
  { positions }: YamlDocument,
  at: Path,
  message: string,
  hint?: string,
  severity: 'error' | 'warning' = 'error',
): ProblemReport {
  const position = positions.positionOf(at);
  return problem('ICT_TEMPLATE_EXTENDS', message, {
    severity,
    ...(hint === undefined ? {} : { hint }),
    ...(position === undefined ? {} : { position, snippet: positions.snippet(position) }),
  });
}

function wholeTarget(target: TemplateDefaults['target']): Template['target'] | undefined {
  const whole = target?.os && target.dist && target.arch && target.imageType;
  return whole ? (target as Template['target']) : undefined;
}

function compareTargets(
  child: Link,
  own: TemplateDefaults,
  parent: Link,
  other: TemplateDefaults,
  files: readonly string[],
): ProblemReport[] {
  const [mine, theirs] = [wholeTarget(own.target), wholeTarget(other.target)];
  if (mine === undefined || theirs === undefined) return [];
  return (['os', 'dist', 'arch', 'imageType'] as const)
    .filter((key) => mine[key] !== theirs[key])
    .map((key) => {
      const name = path.basename(parent.file);
      const message = `target.${key} is "${mine[key]}", but the parent ${name} has "${theirs[key]}"; the chain is ${chainText(files)}`;
      return place(child.document, ['target', key], message, 'Both must be the same.');
    });
}

/** @returns the parent's file, or what is wrong with the path */
async function findParent(child: string, parent: string): Promise<string | { readonly wrong: string }> {
  const parts = parent.split('/');
  if (path.isAbsolute(parent) || parts.includes('..'))
    return { wrong: `the parent ${JSON.stringify(parent)} is not inside the directory of this template` };
  const directory = path.dirname(child);
  const file = path.join(directory, parent);
  try {
    const base = await realpath(directory);
    const real = await realpath(file);
    if (real !== path.join(base, path.normalize(parent))) {
      const wrong = `the parent ${JSON.stringify(parent)} is reached through a symbolic link: it is ${path.relative(base, real)}`;
      return { wrong };
    }
    if (!(await stat(file)).isFile()) return { wrong: `the parent ${JSON.stringify(parent)} is not a file` };
  } catch (cause) {
    // An absent or unreadable parent is a problem of the template, not a failure of ours.
    return { wrong: `the parent ${JSON.stringify(parent)} cannot be read: ${whyUnreadable(cause)}` };
  }
  return file;
}

/**
 * Reads a whole file as UTF-8, and no more of it than a document may have.
 *
 * @throws `ICT_TEMPLATE_UNREADABLE`
 */
export async function readText(file: string, signal?: AbortSignal): Promise<string> {
  const unreadable = (why: string, cause?: unknown): Error =>
    templateError('ICT_TEMPLATE_UNREADABLE', {
      message: `cannot read ${file}: ${why}`,
      hint: 'Give the path of a YAML file; `ict templates` lists those that come with ict, and where they are.',
      facts: { file },
      cause,
    });
  let bytes: Uint8Array;
  try {
    bytes = await readBounded(file, MAX_BYTES, signal);
  } catch (cause) {
    signal?.throwIfAborted();
    throw unreadable(whyUnreadable(cause), cause);
  }
  if (bytes.length > MAX_BYTES) throw unreadable(`it has more than ${MAX_BYTES} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw unreadable('it is not UTF-8 text', cause);
  }
}
