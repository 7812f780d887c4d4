import { resolve } from 'node:path';
import type { PackageQuestion, Plan, PlannedPackage, PlannedStep } from '@ict/core';
import { lockOptions, withEngine } from '../engine-session.js';
import { cliError } from '../errors.js';
import type { PlanFlags } from '../question-commands.js';
import { formatBytes, formatCount } from '../views/quantity.js';
import type { Session } from '../session.js';
import { IMAGE_STEP } from '../views/step-text.js';
import type { Terminal } from '../views/terminal.js';
import { plainText, table, tableWithin } from '../views/terminal-text.js';

/** `ict plan`: of a template, or of names for a target. */
export async function plan(session: Session, template: string | undefined, flags: PlanFlags): Promise<void> {
  const question = packageQuestion(session, template, flags);
  const document = await withEngine(session, flags, (engine) =>
    question === undefined ? engine.plan(template as string, lockOptions(session, flags)) : engine.planPackages(question),
  );
  session.document(document);
  session.result(planText(document, session.terminal));
}

/** @returns undefined when a template is asked about. @throws `ICT_CLI_USAGE` when it is neither, or both. */
function packageQuestion(session: Session, template: string | undefined, flags: PlanFlags): PackageQuestion | undefined {
  const { target, only, recommends, suite, component, foreignArch, repo, repoKey } = flags;
  const { cwd } = session.surroundings;
  if (template !== undefined) {
    const misplaced = Object.entries({
      target,
      only,
      recommends,
      suite,
      component,
      'foreign-arch': foreignArch,
      repo,
      'repo-key': repoKey,
    });
    const first = misplaced.find(([, value]) => value !== undefined);
    if (first !== undefined) throw usage(`--${first[0]} is for a plan without template, and "${template}" is taken for one`);
    return undefined;
  }
  if (target === undefined || only === undefined) throw usage('ict plan needs a template, or --target and --only');
  const { lock, frozen, var: variables } = flags;
  const idle = Object.entries({ lock, frozen, var: variables }).find(([, value]) => value !== undefined);
  if (idle !== undefined) throw usage(`--${idle[0]} is for the plan of a template, and --only asks without one`);
  return {
    target,
    only,
    ...(recommends === undefined ? {} : { recommends }),
    ...(suite === undefined ? {} : { suites: suite }),
    ...(component === undefined ? {} : { components: component }),
    ...(foreignArch === undefined ? {} : { foreignArchitectures: foreignArch }),
    ...(repo === undefined ? {} : { archives: repo }),
    ...(repoKey === undefined ? {} : { keyrings: repoKey.map((file) => resolve(cwd, file)) }),
  };
}

function usage(message: string) {
  return cliError('ICT_CLI_USAGE', { message, hint: 'See `ict plan --help`.' });
}

/** A plan for people: repositories, packages, steps, and what they cost. */
export function planText(plan: Plan, terminal: Pick<Terminal, 'resultColors' | 'resultWidth'>): string {
  const { resultColors: colors, resultWidth } = terminal;
  const lines = [colors.bold(plan.target), '', colors.bold('Repositories')];
  lines.push(
    ...tableWithin(
      resultWidth,
      plan.repositories.map(({ id, archive, suite, components, date }) => [`  ${id}`, `${archive} ${suite} ${components.join(' ')}`, date]),
      { first: 1 },
    ),
  );
  const ofPart = (wanted: PlannedPackage['part']) => plan.packages.filter(({ part }) => part === wanted).sort(byName);
  const [image, tools] = [ofPart('image'), ofPart('tools')];
  lines.push('', ...packageLines('Packages', '', image, terminal));
  if (tools.length > 0) lines.push('', ...packageLines('Tools', ', which write the image and are not in it', tools, terminal));
  const [first] = plan.steps;
  const finished = first?.type === IMAGE_STEP && first.hit;
  if (plan.steps.length > 0) lines.push('', colors.bold('Steps'));
  lines.push(...table(plan.steps.map((step) => [`  ${step.type}`, stepWord(step), colors.dim(plainText(step.reason))])));
  for (const { install } of plan.steps) {
    if (install !== undefined) lines.push(`  ${install.way === 'delta' ? 'delta' : 'clean installation'}: ${plainText(install.reason)}`);
  }
  const missing = finished ? 0 : plan.packages.filter(({ cached }) => !cached).length;
  lines.push('', `${formatBytes(plan.fetchBytes)} to download in ${formatCount(missing, 'package')}`);
  if (finished) lines.push('The finished image is in the cache: a build copies it, and runs no other step.');
  return `${lines.join('\n')}\n`;
}

/** Ids, which documents are sorted by, put `dbus-bin:amd64` before `dbus:amd64`. */
function byName(a: PlannedPackage, b: PlannedPackage): number {
  return a.name === b.name ? 0 : a.name < b.name ? -1 : 1;
}

function packageLines(
  head: string,
  what: string,
  packages: readonly PlannedPackage[],
  { resultColors: colors, resultWidth }: Pick<Terminal, 'resultColors' | 'resultWidth'>,
): readonly string[] {
  const cached = packages.filter((pkg) => pkg.cached).length;
  const sizeBytes = packages.reduce((sum, pkg) => sum + pkg.sizeBytes, 0);
  const rows = packages.map((pkg) => [
    `  ${plainText(pkg.name)}`,
    plainText(pkg.version),
    pkg.arch,
    pkg.repository,
    formatBytes(pkg.sizeBytes),
    pkg.cached ? 'cached' : '',
    colors.dim(why(pkg.requestedBy)),
  ]);
  return [
    `${colors.bold(head)}  ${packages.length}, ${cached} in the cache, ${formatBytes(sizeBytes)}${what}`,
    ...tableWithin(resultWidth, rows, { first: 2, right: [4] }),
  ];
}

function stepWord({ hit, waitsFor }: PlannedStep): string {
  return hit ? 'from the cache' : waitsFor === undefined ? 'to run' : 'may run';
}

/** What the template asks for says so, then what else is asked for, before the packages that need it. */
function why(requestedBy: readonly string[]): string {
  const rank = (by: string): number => (by === 'template' ? 0 : by.includes(':') ? 2 : 1);
  const [first = '', ...rest] = requestedBy.toSorted((a, b) => rank(a) - rank(b)).map(plainText);
  return rest.length === 0 ? first : `${first} and ${rest.length} more`;
}
