import type { Path } from '../documents/path.js';
import type { Report } from '../problems/report.js';

/** Names of kernel modules, separated by spaces or commas. */
export function readModules(text: string, at: Path, error: Report): string[] {
  const modules = text.split(/[\s,]+/).filter((name) => name !== '');
  for (const name of modules) {
    if (!/^[A-Za-z0-9_-]+$/.test(name)) error('ICT_TEMPLATE_NAME', at, `${JSON.stringify(name)} cannot be the name of a kernel module`);
  }
  return modules;
}
