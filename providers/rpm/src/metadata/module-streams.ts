import type { Architecture } from '@ict/plugin-api';
import { architectureRank } from '../architecture.js';
import { rpmvercmp } from '../relations/evr.js';
import type { ModuleBuild, Modules } from './modules.js';

/** What a request says of a module. */
export interface ModuleRequest {
  readonly name: string;
  readonly stream: string | undefined;
  readonly profile: string | undefined;
  /** Only that the stream counts: nothing of it is asked for. */
  readonly enableOnly: boolean;
}

/** Why a request for a module cannot be met. */
export interface ModuleProblem {
  readonly kind: 'unknown' | 'conflict';
  readonly message: string;
  readonly hint: string;
}

/** The streams that count, and what requests for modules stand for. */
export interface ActiveModules {
  /** Every build of the active streams, in the contexts that fit together. */
  readonly active: ReadonlySet<ModuleBuild>;
  /** By request: names of packages, or why there are none. */
  readonly requests: ReadonlyMap<string, readonly string[] | ModuleProblem>;
}

const REQUEST = /^(@?)([\w.+-]+)(?::([\w.+-]+))?(?:\/([\w.+-]+))?$/;
/** A module that stands for the release of the distribution. */
const PLATFORM = 'platform';

/**
 * Reads `module:stream`, which only makes the stream count, `module:stream/profile`, and what dnf writes: `@module:stream/profile`, where
 * stream and profile may be left out for the default ones.
 *
 * @returns undefined for a request that names no module of these.
 */
export function moduleRequest(request: string, { builds }: Pick<Modules, 'builds'>): ModuleRequest | undefined {
  const [, at, name, stream, profile] = REQUEST.exec(request) ?? [];
  if (name === undefined || (at === '' && stream === undefined) || !builds.some((build) => build.name === name)) return undefined;
  return { name, stream, profile, enableOnly: at === '' && profile === undefined };
}

/**
 * Chooses the streams that count, as dnf does: those that were asked for, what these need, and the default streams that fit to all of them, with what those need.
 * Of a stream all versions count, in the first context whose needs are met.
 *
 * @param requests as users write them; those that name no module are left alone.
 */
export function chooseStreams(modules: Modules, requests: readonly string[], machine: Architecture): ActiveModules {
  return new StreamChoice(modules, machine).choose(requests);
}

/** Whether a build can be active beside the streams that are, and which streams that would add. */
type Fit = { readonly kind: 'fits'; readonly adds: ReadonlyMap<string, string> } | { readonly kind: 'not'; readonly reason: string };

class StreamChoice {
  readonly #modules: Modules;
  readonly #builds: readonly ModuleBuild[];
  #streams = new Map<string, string>();
  #contexts = new Map<string, string>();
  readonly #answers = new Map<string, readonly string[] | ModuleProblem>();

  constructor(modules: Modules, machine: Architecture) {
    this.#modules = modules;
    this.#builds = modules.builds.filter(({ arch }) => arch === '' || architectureRank(arch, machine) !== undefined);
  }

  choose(requests: readonly string[]): ActiveModules {
    const asked = requests.flatMap((request) => {
      const module = moduleRequest(request, { builds: this.#builds });
      return module === undefined ? [] : [{ request, ...module }];
    });
    for (const one of asked) this.#enable(one.request, one);
    for (const { request, name } of asked) if (!this.#answers.has(request)) this.#settle(request, name);
    this.#addDefaults();
    for (const one of asked) if (!this.#answers.has(one.request)) this.#answers.set(one.request, this.#packagesOf(one));
    const active = new Set(
      this.#builds.filter(({ name, stream, context }) => this.#streams.get(name) === stream && this.#contexts.get(name) === context),
    );
    return { active, requests: this.#answers };
  }

  #enable(request: string, { name, stream: written }: ModuleRequest): void {
    const stream = written ?? this.#streams.get(name) ?? this.#defaultOf(name);
    const known = this.#streamsOf(name);
    if (stream === undefined || !known.includes(stream)) {
      const what = stream === undefined ? `module "${name}" has no default stream` : `module "${name}" has no stream "${stream}"`;
      this.#answers.set(request, {
        kind: 'unknown',
        message: what,
        hint: `There is ${known.map((each) => `${name}:${each}`).join(', ')}.`,
      });
      return;
    }
    const other = this.#streams.get(name);
    if (other === undefined) this.#streams.set(name, stream);
    else if (other !== stream) {
      const message = `"${request}" and "${name}:${other}" exclude each other: a module has one stream`;
      this.#answers.set(request, { kind: 'conflict', message, hint: 'Ask for one of them.' });
    }
  }

  /** Finds the context of a stream that was asked for, and activates what it needs. */
  #settle(request: string, name: string): void {
    const failed = this.#activate([name], false);
    if (failed === undefined) return;
    const { module, reasons } = failed;
    const message = `${module}:${this.#streams.get(module)} ${module === name ? '' : `, which ${name} needs, `}cannot be active: ${reasons.join('; or ')}`;
    this.#answers.set(request, { kind: 'conflict', message, hint: 'Ask for a stream of that module, as "module:stream".' });
  }

  /**
   * Default streams count with all that they need, which is active or can be. Where they exclude each other, it is as with dnf: that of the module
   * whose name comes first stays, even where it needs what is no default of another.
   */
  #addDefaults(): void {
    const names = new Set(this.#modules.defaults.map(({ name }) => name));
    for (const name of [...names].sort()) {
      const stream = this.#defaultOf(name);
      if (stream === undefined || this.#streams.has(name) || !this.#streamsOf(name).includes(stream)) continue;
      this.#addDefault(name, stream);
    }
  }

  #addDefault(name: string, stream: string): void {
    const [streams, contexts] = [this.#streams, this.#contexts];
    this.#streams = new Map(streams).set(name, stream);
    for (const { context, adds } of this.#fittingOf(name, true).fitting) {
      this.#streams = new Map([...streams, [name, stream], ...adds]);
      this.#contexts = new Map(contexts).set(name, context);
      if (this.#activate([...adds.keys()], true) === undefined) return;
    }
    [this.#streams, this.#contexts] = [streams, contexts];
  }

  /**
   * Finds contexts of streams, and of those that they need.
   *
   * @returns undefined, or the module of which no context can be active, and why.
   */
  #activate(
    modules: readonly string[],
    overDefaults: boolean,
  ): { readonly module: string; readonly reasons: readonly string[] } | undefined {
    const pending = [...modules];
    for (const module of pending) {
      if (this.#contexts.has(module)) continue;
      const { fitting, reasons } = this.#fittingOf(module, overDefaults);
      const [chosen] = fitting;
      if (chosen === undefined) return { module, reasons };
      this.#contexts.set(module, chosen.context);
      for (const [needed, stream] of chosen.adds) {
        this.#streams.set(needed, stream);
        pending.push(needed);
      }
    }
    return undefined;
  }

  /** The contexts of the stream of a module that can be active, with what each adds; and why others cannot. */
  #fittingOf(
    name: string,
    overDefaults: boolean,
  ): {
    readonly fitting: readonly { readonly context: string; readonly adds: ReadonlyMap<string, string> }[];
    readonly reasons: readonly string[];
  } {
    const fits = this.#contextsOf(name).map((build) => ({ context: build.context, fit: this.#fit(build, overDefaults) }));
    const fitting = fits.flatMap(({ context, fit }) => (fit.kind === 'fits' ? [{ context, adds: fit.adds }] : []));
    const others = ({ adds }: (typeof fitting)[0]): number =>
      [...adds].filter(([added, stream]) => this.#defaultOf(added) !== stream).length;
    return {
      // Of a default stream the one first that needs no others, as nobody asked for any.
      fitting: overDefaults ? fitting.sort((a, b) => others(a) - others(b)) : fitting,
      reasons: [...new Set(fits.flatMap(({ fit }) => (fit.kind === 'not' ? [fit.reason] : [])))],
    };
  }

  /**
   * Whether the needs of a build are met, or can be by streams of modules that nobody decided on.
   *
   * @param overDefaults a default stream that is not active yet may give way to the only other one that will do.
   */
  #fit({ requires }: ModuleBuild, overDefaults: boolean): Fit {
    let refusal: Fit | undefined;
    for (const needs of requires.length === 0 ? [{}] : requires) {
      const fit = this.#fitAll(needs, overDefaults);
      if (fit.kind === 'fits') return fit;
      refusal ??= fit;
    }
    return refusal!;
  }

  #fitAll(needs: Readonly<Record<string, readonly string[]>>, overDefaults: boolean): Fit {
    const adds = new Map<string, string>();
    for (const [name, streams] of Object.entries(needs)) {
      if (name === PLATFORM) continue;
      const wanted = streams.filter((each) => !each.startsWith('-'));
      const allowed = this.#streamsOf(name).filter(
        (each) => !streams.includes(`-${each}`) && (wanted.length === 0 || wanted.includes(each)),
      );
      const words = `${name}:${streams.length === 0 ? '*' : streams.join(',')}`;
      const known = this.#streams.get(name);
      const active = known ?? this.#defaultOf(name);
      if (active !== undefined && allowed.includes(active)) {
        if (known === undefined) adds.set(name, active);
      } else if (known === undefined && (active === undefined || overDefaults) && allowed.length === 1) adds.set(name, allowed[0]!);
      else if (active !== undefined) return { kind: 'not', reason: `it needs ${words}, and ${name}:${active} is active` };
      else return { kind: 'not', reason: `it needs ${words}, of which there is ${allowed.length === 0 ? 'none' : allowed.join(', ')}` };
    }
    return { kind: 'fits', adds };
  }

  #packagesOf({ name, profile, enableOnly }: ModuleRequest): readonly string[] | ModuleProblem {
    if (enableOnly) return [];
    const stream = this.#streams.get(name)!;
    const builds = this.#contextsOf(name).filter(({ context }) => context === this.#contexts.get(name));
    const { profiles = {} } = builds[0] ?? {};
    const known = Object.keys(profiles);
    const names = profile === undefined ? this.#defaultProfiles(name, stream) : [profile];
    const missing = names.find((each) => !known.includes(each));
    if (names.length > 0 && missing === undefined) return [...new Set(names.flatMap((each) => profiles[each]!))];
    return {
      kind: 'unknown',
      message: `module ${name}:${stream} has no ${missing === undefined ? 'default profile' : `profile "${missing}"`}`,
      hint:
        known.length === 0
          ? 'It has no profiles: name its packages.'
          : `There is ${known.map((each) => `${name}:${stream}/${each}`).join(', ')}.`,
    };
  }

  /** One build of each context of the active stream of a module, the newest of it. */
  #contextsOf(name: string): readonly ModuleBuild[] {
    const newest = new Map<string, ModuleBuild>();
    for (const build of this.#builds) {
      if (build.name !== name || build.stream !== this.#streams.get(name)) continue;
      const known = newest.get(build.context);
      if (known === undefined || rpmvercmp(known.version, build.version) < 0) newest.set(build.context, build);
    }
    return [...newest.values()];
  }

  #streamsOf(name: string): readonly string[] {
    return [...new Set(this.#builds.filter((build) => build.name === name).map(({ stream }) => stream))];
  }

  #defaultOf(name: string): string | undefined {
    return this.#modules.defaults.find((each) => each.name === name)?.stream;
  }

  #defaultProfiles(name: string, stream: string): readonly string[] {
    return this.#modules.defaults.find((each) => each.name === name)?.profiles[stream] ?? [];
  }
}
