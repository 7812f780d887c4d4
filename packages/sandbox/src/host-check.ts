/** One thing that the host must, or should, have. */
export interface HostCheck {
  /** `node`, `program unshare`, `user namespaces`, `overlay`, `file system`, `directory`, `output`, `free space`, `architecture`, `program qemu-system-x86_64`, `firmware code`, `secure boot`, `remote cache`, ... */
  readonly name: string;
  readonly ok: boolean;
  /** What was found. */
  readonly detail: string;
  /** One command or change that puts it right; absent when all is well. */
  readonly remedy?: string;
  /** False for what only some builds need. */
  readonly required: boolean;
}

/** @param remedy for a check that failed. */
export function check(name: string, ok: boolean, detail: string, remedy: string): HostCheck {
  return ok ? { name, ok, detail, required: true } : { name, ok, detail, remedy, required: true };
}

/** The remedy for what a Debian package has. */
export function installCommand(name: string): string {
  return `sudo apt-get install --yes ${name}`;
}
