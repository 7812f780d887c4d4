import { hasCode } from '@ict/plugin-api';
import type { ResolvedPackage } from '@ict/plugin-api';
import { rpmError } from '../errors.js';
import type { PackageLabels } from './package-labels.js';

/** What rpm says of payloads that are not what their headers say. Of files that it cannot write it tells what the system said. */
const FAULT =
  /^error: unpacking of archive failed(?: on file (.+?)(?:;[0-9a-f]+)?)?: cpio: (Bad magic|Bad\/unreadable\s+header|Header size too big|Unknown file type|Missing file\(s\)|Digest mismatch|Archive file not in header|read failed)(?: - .+)?$/;
const FAILED = /^error: (\S+): install (?:failed|skipped)$/;

/** What rpm says of a scriptlet that fails: its status or, where it is in Lua, what Lua says, which shortens the name of the package. */
const SCRIPTLET =
  /^(?:error|warning): (?:%(\w+)\(\S+\) scriptlet failed|(?:lua script failed|invalid syntax in lua script): \[string "%(\w+)\()/;
/** Scriptlets without which rpm does not install a package, as rpm names them. */
const NEEDED: readonly string[] = ['pre', 'prein', 'pretrans', 'sysusers'];

/** @returns whether rpm does not install the package for that; undefined for a line that says of no scriptlet that it failed. */
export function failedScriptlet(line: string): 'needed' | 'passed over' | undefined {
  const [, shell, lua] = SCRIPTLET.exec(line) ?? [];
  const kind = shell ?? lua;
  if (kind === undefined) return undefined;
  return NEEDED.includes(kind) ? 'needed' : 'passed over';
}

/** Why a package is refused. */
type Fault = { readonly scriptlet: string } | { readonly reason: string; readonly path: string | undefined };

/** Finds, in what rpm prints, the first package that it does not install: it refuses its payload, or a scriptlet that comes before failed. */
export class RefusedInstallation {
  #fault: Fault | undefined;
  #label: string | undefined;
  readonly #labels: PackageLabels<ResolvedPackage>;

  /** @param labels of those that are installed. */
  constructor(labels: PackageLabels<ResolvedPackage>) {
    this.#labels = labels;
  }

  /** @param line of rpm's output, in the order in which it comes. */
  read(line: string): void {
    if (this.#label !== undefined) return;
    const [, path, reason] = FAULT.exec(line) ?? [];
    if (reason !== undefined) this.#fault = { reason, path };
    else if (failedScriptlet(line) === 'needed') this.#fault = { scriptlet: line.trim() };
    else if (this.#fault !== undefined) this.#label = FAILED.exec(line)?.[1];
  }

  /** @returns what to throw in place of what ended rpm: the same, unless a package was refused. */
  errorFor(error: unknown): unknown {
    const [fault, label] = [this.#fault, this.#label];
    if (fault === undefined || label === undefined || !hasCode(error, 'ICT_COMMAND_FAILED')) return error;
    const repository = this.#labels.find(label)?.repository;
    const what = repository === undefined ? label : `${label} from repository "${repository}"`;
    const facts = { package: label, ...(repository === undefined ? {} : { repository }) };
    if ('scriptlet' in fault) {
      return rpmError('ICT_RPM_SCRIPTLET_FAILED', {
        message: `rpm does not install ${what}, because a scriptlet that comes before failed: ${fault.scriptlet}`,
        hint: 'Run with --verbose to see what the scriptlet printed. It has no network, no devices and no running system.',
        facts: { ...facts, scriptlet: fault.scriptlet },
        cause: error,
      });
    }
    const { path, reason } = fault;
    return rpmError('ICT_RPM_PAYLOAD_INVALID', {
      message: `rpm refuses the payload of ${what}${path === undefined ? '' : `, at ${path}`}: ${reason}`,
      hint: 'Fetch the package again; when it is the same, report it to the repository.',
      facts: { ...facts, ...(path === undefined ? {} : { member: path }), reason },
      cause: error,
    });
  }
}
