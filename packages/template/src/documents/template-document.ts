import type { ProblemReport } from '@ict/plugin-api';
import { compiled } from '../validation/compiled-validator.js';
import { defaultsSchema, type Template, type TemplateDefaults, templateSchema } from '../schema/template.js';
import { formatPath, type Path } from './path.js';
import { checkSections, type PluginSections } from '../sections/plugin-section.js';
import { orderProblems, problem } from '../problems/problem.js';
import { type DocumentPositions, parseYaml } from './yaml-document.js';

/** One template file, by itself: neither inherited from nor merged. */
export interface ParsedTemplate {
  /** Undefined when `problems` is not empty. */
  readonly template: Template | undefined;
  readonly positions: DocumentPositions;
  /** Everything that is wrong with the text, in file order. */
  readonly problems: readonly ProblemReport[];
}

const templateValidator = compiled('template', templateSchema);
const defaultsValidator = compiled('defaults', defaultsSchema);

/** What the schema says of a document. */
export interface CheckedTemplate {
  /** Undefined when `problems` is not empty. */
  readonly template: Template | undefined;
  /** The template without what is not valid; undefined when nothing is left. */
  readonly rest: TemplateDefaults | undefined;
  /** Paths that `rest` leaves out. */
  readonly pruned: readonly Path[];
  readonly problems: readonly ProblemReport[];
}

/**
 * Reads the text of a template and checks it against the schema. Never throws: whatever the text is, its faults are in
 * `problems`, all at once.
 *
 * @param file name for positions; nothing is read from disk
 */
export function parseTemplate(text: string, file: string): ParsedTemplate {
  const { data, positions, problems } = parseYaml(text, file);
  if (problems.length > 0) return { template: undefined, positions, problems };
  const checked = checkTemplate(data, positions);
  return { template: checked.template, positions, problems: checked.problems };
}

/**
 * Checks the data of a template against the schema, and looks for entries that stand for the same thing.
 *
 * @param sections what plugins let templates say; without them, what is said to plugins is not looked at
 */
export function checkTemplate(data: unknown, positions: DocumentPositions, sections?: PluginSections): CheckedTemplate {
  const lock = lockProblem(data, positions);
  if (lock !== undefined) return { template: undefined, rest: undefined, pruned: [[]], problems: [lock] };
  const violations = templateValidator().check(data, 'template', positions);
  const { data: left, paths } = violations.length === 0 ? { data, paths: [] } : defaultsValidator().prune(data);
  if (left === undefined) return { template: undefined, rest: undefined, pruned: paths, problems: violations };
  const { plugins = {}, ...own } = left as TemplateDefaults;
  const said = sections === undefined ? { problems: [], faulty: [] } : checkSections(plugins, sections, positions);
  const sound = Object.entries(plugins).filter(([plugin]) => !said.faulty.includes(plugin));
  const problems = orderProblems([...violations, ...findTwins(own, positions), ...said.problems]);
  return {
    template: problems.length === 0 ? (data as Template) : undefined,
    rest: sound.length === 0 ? own : { ...own, plugins: Object.fromEntries(sound) },
    pruned: [...paths, ...said.faulty.map((plugin) => ['plugins', plugin])],
    problems,
  };
}

/** What is wrong with the defaults of a distribution definition; `positions` has paths from `data`. What they say to plugins is not looked at. */
export function checkDefaults(data: unknown, what: string, positions: DocumentPositions): ProblemReport[] {
  const violations = defaultsValidator().check(data, what, positions);
  return violations.length > 0 ? violations : findTwins(data as TemplateDefaults, positions);
}

/** A lock lies beside its template, so it is easily taken for one; that hardly a key of it is known here says little. */
function lockProblem(data: unknown, positions: DocumentPositions): ProblemReport | undefined {
  if (typeof data !== 'object' || data === null || !('lockVersion' in data)) return undefined;
  const position = positions.keyPositionOf(['lockVersion']);
  const details = position === undefined ? {} : { position, snippet: positions.snippet(position) };
  const hint = 'Name its template; a build finds the lock beside it, or by --lock.';
  return problem('ICT_DOCUMENT_UNKNOWN_KEY', 'this is a lock, as `ict lock` writes it, and no template', { ...details, hint });
}

/** Entries of one file that stand for the same thing: merging would keep only the last. */
function findTwins(template: TemplateDefaults, positions: DocumentPositions): ProblemReport[] {
  const { users = [], additionalFiles = [] } = template.systemConfig ?? {};
  const layers = (template.layers ?? []).map(({ name }) => name);
  const problems: ProblemReport[] = [];
  const check = (list: Path, key: string, values: readonly string[]): void => {
    for (const [index, value] of values.entries()) {
      const first = values.indexOf(value);
      if (first === index) continue;
      const [position, earlier] = [positions.positionOf([...list, index, key]), positions.positionOf([...list, first, key])];
      const where = earlier === undefined ? '' : `; line ${earlier.line} has it first`;
      const details = position === undefined ? {} : { position, snippet: positions.snippet(position) };
      const message = `${formatPath(list)} has the ${key} ${JSON.stringify(value)} twice${where}`;
      problems.push(problem('ICT_DOCUMENT_BAD_VALUE', message, { ...details, hint: 'Join the two entries, or remove one.' }));
    }
  };
  const names = users.map(({ name }) => name);
  const targets = additionalFiles.map(({ final }) => final);
  check(['systemConfig', 'users'], 'name', names);
  check(['systemConfig', 'additionalFiles'], 'final', targets);
  check(['layers'], 'name', layers);
  return orderProblems(problems);
}
