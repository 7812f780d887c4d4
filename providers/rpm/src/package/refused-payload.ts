import { hasCode } from '@ict/plugin-api';
import type { VerifiedPackage } from '@ict/plugin-api';
import { rpmError } from '../errors.js';

/** What rpm says of payloads that are not what their headers say. Of files that it cannot write it tells what the system said. */
const FAULT =
  /^error: unpacking of archive failed(?: on file (.+?)(?:;[0-9a-f]+)?)?: cpio: (Bad magic|Bad\/unreadable\s+header|Header size too big|Unknown file type|Missing file\(s\)|Digest mismatch|Archive file not in header)$/;
const FAILED = /^error: (\S+): install failed$/;

/** Finds, in what rpm prints, the first package whose payload it refuses. */
export class RefusedPayload {
  #fault: { readonly reason: string; readonly path: string | undefined } | undefined;
  #package: string | undefined;
  readonly #repositories: ReadonlyMap<string, string>;

  /** @param packages those that are installed: rpm names them without their epochs. */
  constructor(packages: readonly VerifiedPackage[]) {
    this.#repositories = new Map(packages.map((pkg) => [`${pkg.name}-${pkg.version.replace(/^\d+:/, '')}.${pkg.arch}`, pkg.repository]));
  }

  /** @param line of rpm's output, in the order in which it comes. */
  read(line: string): void {
    if (this.#package !== undefined) return;
    const [, path, reason] = FAULT.exec(line) ?? [];
    if (reason !== undefined) this.#fault = { reason, path };
    else if (this.#fault !== undefined) this.#package = FAILED.exec(line)?.[1];
  }

  /** @returns what to throw in place of what ended rpm: the same, unless a payload was refused. */
  errorFor(error: unknown): unknown {
    if (this.#fault === undefined || this.#package === undefined || !hasCode(error, 'ICT_COMMAND_FAILED')) return error;
    const { reason, path } = this.#fault;
    const repository = this.#repositories.get(this.#package);
    const from = repository === undefined ? '' : ` from repository "${repository}"`;
    return rpmError('ICT_RPM_PAYLOAD_INVALID', {
      message: `rpm refuses the payload of ${this.#package}${from}${path === undefined ? '' : `, at ${path}`}: ${reason}`,
      hint: 'Fetch the package again; when it is the same, report it to the repository.',
      facts: {
        package: this.#package,
        ...(repository === undefined ? {} : { repository }),
        ...(path === undefined ? {} : { member: path }),
        reason,
      },
      cause: error,
    });
  }
}
