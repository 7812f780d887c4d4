import { resolve } from 'node:path';
import type { Plan } from '@ict/core';
import { withEngine } from '../engine-session.js';
import type { LockFlags } from '../program.js';
import { formatBytes, formatCount } from '../quantity.js';
import type { Session } from '../session.js';
import type { Colors } from '../terminal.js';
import { plainText, table } from '../terminal-text.js';

/** `ict plan` */
export async function plan(session: Session, template: string, flags: LockFlags): Promise<void> {
  const { lock, frozen } = flags;
  const document = await withEngine(session, flags, (engine) =>
    engine.plan(template, {
      ...(lock === undefined ? {} : { lock: resolve(session.surroundings.cwd, lock) }),
      ...(frozen === undefined ? {} : { frozen }),
    }),
  );
  session.document(document);
  session.result(planText(document, session.terminal.resultColors));
}

/** A plan for people: repositories, packages, steps, and what they cost. */
export function planText(plan: Plan, colors: Colors): string {
  const lines = [colors.bold(plan.target), '', colors.bold('Repositories')];
  lines.push(
    ...table(
      plan.repositories.map(({ id, archive, suite, components, date }) => [`  ${id}`, `${archive} ${suite} ${components.join(' ')}`, date]),
    ),
  );
  const cached = plan.packages.filter((pkg) => pkg.cached).length;
  lines.push('', `${colors.bold('Packages')}  ${plan.packages.length}, ${cached} in the cache`);
  lines.push(
    ...table(
      plan.packages.map(({ name, version, arch, repository, sizeBytes, cached: have, requestedBy }) => [
        `  ${plainText(name)}`,
        plainText(version),
        arch,
        repository,
        have ? 'cached' : formatBytes(sizeBytes),
        colors.dim(why(requestedBy)),
      ]),
      { right: [4] },
    ),
  );
  lines.push('', colors.bold('Steps'));
  lines.push(
    ...table(plan.steps.map(({ type, hit, reason }) => [`  ${type}`, hit ? 'from the cache' : 'to run', colors.dim(plainText(reason))])),
  );
  for (const { install } of plan.steps) {
    if (install !== undefined) lines.push(`  ${install.way === 'delta' ? 'delta' : 'clean installation'}: ${plainText(install.reason)}`);
  }
  lines.push('', `${formatBytes(plan.fetchBytes)} to download in ${formatCount(plan.packages.length - cached, 'package')}`);
  return `${lines.join('\n')}\n`;
}

function why(requestedBy: readonly string[]): string {
  const [first = '', ...rest] = requestedBy.map(plainText);
  return rest.length === 0 ? first : `${first} and ${rest.length} more`;
}
