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
 * Chooses the streams that count, as dnf does: those that were asked for, what these need, and the default streams that fit to all of them.
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
  readonly #streams = new Map<string, string>();
  readonly #contexts = new Map<string, string>();
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
    const pending = [name];
    for (const each of pending) {
      if (this.#contexts.has(each)) continue;
      const fits = this.#contextsOf(each).map((build) => ({ build, fit: this.#fit(build) }));
      const chosen = fits.find(({ fit }) => fit.kind === 'fits');
      if (chosen?.fit.kind !== 'fits') {
        const reasons = [...new Set(fits.map(({ fit }) => (fit.kind === 'not' ? fit.reason : '')))].join('; or ');
        const message = `${each}:${this.#streams.get(each)} ${each === name ? '' : `, which ${name} needs, `}cannot be active: ${reasons}`;
        this.#answers.set(request, { kind: 'conflict', message, hint: 'Ask for a stream of that module, as "module:stream".' });
        return;
      }
      this.#contexts.set(each, chosen.build.context);
      for (const [needed, stream] of chosen.fit.adds) {
        this.#streams.set(needed, stream);
        pending.push(needed);
      }
    }
  }

  /** Default streams count when their needs are met by streams that are active, other defaults among them. */
  #addDefaults(): void {
    const candidates = new Map<string, string>();
    for (const { name } of this.#modules.defaults) {
      const stream = this.#defaultOf(name);
      if (stream !== undefined && !this.#streams.has(name) && this.#streamsOf(name).includes(stream)) candidates.set(name, stream);
    }
    for (const [name, stream] of candidates) this.#streams.set(name, stream);
    for (let dropped = true; dropped; ) {
      dropped = false;
      for (const name of candidates.keys()) {
        if (!this.#streams.has(name)) continue;
        const build = this.#contextsOf(name).find((each) => {
          const fit = this.#fit(each);
          return fit.kind === 'fits' && fit.adds.size === 0;
        });
        if (build !== undefined) {
          this.#contexts.set(name, build.context);
          continue;
        }
        this.#streams.delete(name);
        this.#contexts.delete(name);
        dropped = true;
      }
    }
  }

  /** Whether the needs of a build are met, or can be by streams of modules that nobody decided on. */
  #fit({ requires }: ModuleBuild): Fit {
    let refusal: Fit | undefined;
    for (const needs of requires.length === 0 ? [{}] : requires) {
      const fit = this.#fitAll(needs);
      if (fit.kind === 'fits') return fit;
      refusal ??= fit;
    }
    return refusal!;
  }

  #fitAll(needs: Readonly<Record<string, readonly string[]>>): Fit {
    const adds = new Map<string, string>();
    for (const [name, streams] of Object.entries(needs)) {
      if (name === PLATFORM) continue;
      const wanted = streams.filter((each) => !each.startsWith('-'));
      const allowed = this.#streamsOf(name).filter(
        (each) => !streams.includes(`-${each}`) && (wanted.length === 0 || wanted.includes(each)),
      );
      const words = `${name}:${streams.length === 0 ? '*' : streams.join(',')}`;
      const active = this.#streams.get(name) ?? this.#defaultOf(name);
      if (active !== undefined) {
        if (!allowed.includes(active)) return { kind: 'not', reason: `it needs ${words}, and ${name}:${active} is active` };
        if (!this.#streams.has(name)) adds.set(name, active);
      } else if (allowed.length === 1) adds.set(name, allowed[0]!);
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
