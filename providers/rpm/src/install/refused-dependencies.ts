import { hasCode } from '@ict/plugin-api';
import type { ResolvedPackage } from '@ict/plugin-api';
import { rpmError } from '../errors.js';
import type { PackageLabels } from './package-labels.js';

/** What rpm says before it installs anything, and then, a line of each, what is missing or in the way, and for which package. */
const BEGIN = 'error: Failed dependencies:';
const PROBLEM = /^\t(.+) (is needed by|conflicts with|is obsoleted by) (?:\(installed\) )?(\S+)$/;
const VERBS: Readonly<Record<string, string>> = { 'is needed by': 'needs', 'conflicts with': 'excludes', 'is obsoleted by': 'replaces' };
/** Problems that are told. */
const MAX_TOLD = 10;

/** A dependency that rpm finds unmet. */
interface Problem {
  readonly package: string;
  readonly repository?: string;
  readonly verb: string;
  readonly what: string;
}

/** Finds, in what rpm prints, the dependencies for which it refuses what was resolved: packages may say more than the metadata about them. */
export class RefusedDependencies {
  readonly #labels: PackageLabels<ResolvedPackage>;
  readonly #problems: Problem[] = [];
  #hasBegun = false;
  #count = 0;

  /** @param labels of all that is installed, also before. */
  constructor(labels: PackageLabels<ResolvedPackage>) {
    this.#labels = labels;
  }

  /** @param line of rpm's output, in the order in which it comes. */
  read(line: string): void {
    if (line === BEGIN) this.#hasBegun = true;
    if (!this.#hasBegun) return;
    const [, what, relation, label] = PROBLEM.exec(line) ?? [];
    if (what === undefined || ++this.#count > MAX_TOLD) return;
    const repository = this.#labels.find(label!)?.repository;
    this.#problems.push({ package: label!, ...(repository === undefined ? {} : { repository }), verb: VERBS[relation!]!, what });
  }

  /** @returns what to throw in place of what ended rpm: the same, unless it refused dependencies. */
  errorFor(error: unknown): unknown {
    if (this.#count === 0 || !hasCode(error, 'ICT_COMMAND_FAILED')) return error;
    const untold = this.#count - this.#problems.length;
    const more = untold === 0 ? [] : [`and ${untold} more`];
    return rpmError('ICT_RPM_DEPENDENCY_CHECK', {
      message: ['rpm finds dependencies unmet that the metadata did not tell of:', ...this.#problems.map(tell), ...more].join('\n  '),
      hint: 'Leave such a package out, take another version of it, or keep it out with "excludePackages" of its repository, and report it there. What rpmlib(...) names is a feature of a newer rpm than that of the image.',
      facts: { problems: this.#problems.map((each) => ({ ...each })), untold },
      cause: error,
    });
  }
}

function tell({ package: label, repository, verb, what }: Problem): string {
  return `${label}${repository === undefined ? '' : ` from repository "${repository}"`} ${verb} ${what}`;
}
