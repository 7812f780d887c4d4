import type { CacheHome, TwinOfPackage } from '@ict/cache';
import { UNSUPPORTED_YET, type DistributionDefinition, type ProblemReport } from '@ict/plugin-api';
import {
  diffTemplate,
  explainTemplate,
  explainVariables,
  hiddenIn,
  locateReports,
  mergeTemplates,
  orderProblems,
  publishedSchema,
  redactTemplate,
  secretsOf,
  templateSchemaWith,
  withPortablePaths,
} from '@ict/template';
import { answerNames, answerSearch, answerShow, findProviders, type CatalogueQuestion } from './questions/catalogue.js';
import { buildImage } from './build.js';
import { fetchPackages } from './packages/locked-packages.js';
import type { Explanation, Plan } from './plans/plan-documents.js';
import type { GraphDocument, SearchDocument, ShowDocument, Why, WhyNot } from './questions/answers.js';
import type {
  BuildOptions,
  BuildReport,
  Engine,
  EngineOptions,
  LockOptions,
  LockReport,
  LockWriteOptions,
  PackageNames,
  PackageQuestion,
  ReadOptions,
  ResolvedTemplate,
  SearchOptions,
  ShowOptions,
  ValidateOptions,
  Validation,
  WarmReport,
} from './engine-api.js';
import { requireForeign } from './templates/foreign-architectures.js';
import { lintCache } from './plans/cache-lint.js';
import { explainCache } from './plans/cache-explanation.js';
import { makeLock } from './locks/lock-making.js';
import { checkPackages, type PackageVerdict } from './templates/package-check.js';
import { openPinned, readPinned, type PinnedMetadata } from './repositories/pinned-metadata.js';
import { planPackages } from './plans/plan-packages.js';
import { planBuild } from './plans/plan.js';
import { answerGraph } from './questions/answer-graph.js';
import { answerWhy } from './questions/answer-why.js';
import { EventStream, warningEvent } from './event-stream.js';
import { PluginHost } from './plugins/plugin-host.js';
import { specFor } from './plugins/plugin-view.js';
import { closeInOrder } from './closing.js';
import { openServices, roomOf, servicesKey, type Services } from './services.js';
import { findLock, resolveAfresh, settleLock, type SettledLock } from './locks/lock-settling.js';
import { packageRequest } from './locks/request.js';
import { relationsBehind } from './locks/relation-recovery.js';
import { requirePinnedKeys } from './repositories/pinned-keys.js';
import { bareDefinition, type BareDefinition } from './repositories/bare-addresses.js';
import { chooseRepositories } from './repositories/repository-choice.js';
import { requireKeys, withKeyrings } from './repositories/repository-keys.js';
import { atRepository } from './repositories/repository-places.js';
import { checkTwin } from './packages/twin-check.js';
import { answerWhyNot } from './questions/answer-why-not.js';
import { readTemplate, requireSound, type Intake, type TemplateReading } from './templates/template-intake.js';

/**
 * Opens an engine. Nothing is fetched or written before a method needs it; `validate` touches neither cache nor network.
 *
 * @throws `ICT_PLUGIN_INVALID` or `ICT_TARGET_CLAIMED_TWICE` when the plugins cannot be used.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const plugins = await PluginHost.open(options.plugins, options.distributionFiles, options.importModule, options.recallDefinition);
  return new HostedEngine(options, plugins);
}

/** What answers and builds start from. */
interface Ready {
  readonly intake: Intake;
  readonly settled: SettledLock;
  readonly services: Services;
}

class HostedEngine implements Engine {
  private readonly options: EngineOptions;
  private readonly plugins: PluginHost;
  private readonly events: EventStream;
  /** By what decides over them: an engine may be asked about templates of several distributions. */
  private readonly services = new Map<string, Promise<Services>>();

  constructor(options: EngineOptions, plugins: PluginHost) {
    this.options = options;
    this.plugins = plugins;
    this.events = new EventStream(options.emit);
  }

  templateSchema(): object {
    return publishedSchema(templateSchemaWith(this.plugins.sections), { references: true });
  }

  distributions(): readonly DistributionDefinition[] {
    return this.plugins.distributions();
  }

  async validate(template: string, { strict = false, packages = false, text }: ValidateOptions = {}): Promise<Validation> {
    const { intake, loaded, problems, refused, warnings, unpinned } = await this.read(template, text);
    const { unread, problems: found }: PackageVerdict =
      packages && intake !== undefined
        ? await checkPackages(text === undefined ? template : undefined, intake, () => this.resolveAfresh(intake))
        : { problems: [] };
    // What resolving ran into says more.
    const told = new Set([unread?.code, ...found.map(({ code }) => code)]);
    const unfit = [...refused, ...unpinned].filter(({ code }) => !told.has(code));
    return {
      problems: orderProblems([...problems, ...locateReports(loaded, found), ...(strict ? unfit : [])]),
      warnings: orderProblems([...warnings, ...(strict ? [] : unfit.map(asWarning))]),
      ...(unread === undefined ? {} : { unread }),
    };
  }

  async lintCache(template: string, { text }: ReadOptions = {}): Promise<Validation> {
    const { intake, loaded, problems, warnings } = await this.read(template, text);
    const found = intake === undefined ? [] : await lintCache(intake.spec, loaded);
    const errors = found.filter(({ severity }) => severity === 'error');
    return { problems: [...problems, ...errors], warnings: [...warnings, ...found.filter((one) => !errors.includes(one))] };
  }

  async resolve(template: string, { text }: ReadOptions = {}): Promise<ResolvedTemplate> {
    const { loaded, problems, refused, warnings } = await this.read(template, text);
    const { merged } = loaded;
    const own = merged === undefined ? undefined : mergeTemplates(merged.layers.filter(({ directory }) => directory !== undefined));
    return {
      problems,
      warnings: [...warnings, ...refused.map(asWarning)],
      template: own && redactTemplate(await withPortablePaths(own), hiddenIn(loaded, own)),
      full: merged && redactTemplate(await withPortablePaths(merged), hiddenIn(loaded, merged)),
      values: explainTemplate(loaded),
      variables: explainVariables(loaded),
      differences: diffTemplate(loaded),
    };
  }

  async plan(template: string, options: LockOptions = {}): Promise<Plan> {
    return this.settle(template, options, async ({ intake, settled, services }) =>
      planBuild(intake, settled, await this.plugins.exporters(), this.options.storage, services),
    );
  }

  async explain(template: string, options: LockOptions = {}): Promise<Explanation> {
    return this.settle(template, options, async ({ intake, settled, services }) =>
      explainCache(intake, settled, await this.plugins.exporters(), this.options.storage, services),
    );
  }

  async lock(template: string, options: LockWriteOptions = {}): Promise<LockReport> {
    const intake = await this.intake(template);
    const { report, warnings } = await this.events.covering(() =>
      this.within(intake, (services) => makeLock(template, intake, options, services)),
    );
    this.warn(warnings);
    const { file, written, changes } = report;
    this.events.emit({ type: 'lock.done', file, written, changes });
    return report;
  }

  async planPackages(question: PackageQuestion): Promise<Plan> {
    const { arch, distribution: defined } = this.plugins.target(question.target);
    const { repositories } = withKeyrings(defined, this.options.keyrings ?? []);
    const bare = bareDefinition({ ...defined, repositories: chooseRepositories(repositories, question) });
    const { distribution } = bare;
    requireKeys(distribution, (question.archives ?? []).length > 0 ? 'archives' : 'definition');
    const provider = await this.plugins.provider(distribution.ecosystem);
    requireForeign(question.foreignArchitectures ?? [], arch, distribution, provider.part);
    const { plan, warnings } = await this.within(bare, (services) =>
      planPackages(question, { target: question.target, arch, distribution, provider }, this.options.storage, services),
    );
    this.warn(warnings);
    return plan;
  }

  async why(template: string, name: string, options: LockOptions = {}): Promise<Why> {
    return this.settle(template, options, ({ intake, settled, services }) => {
      const foreign = intake.spec.target.foreignArchitectures ?? [];
      const relations = () => relationsBehind(settled, intake, services);
      const pin = () => pinnedBy(settled, intake, services);
      return answerWhy(template, name, settled, foreign, relations, (each) => findProviders(each, intake.provider.part, pin, services));
    });
  }

  async whyNot(template: string, wanted: string, options: LockOptions = {}): Promise<WhyNot> {
    return this.settle(template, options, ({ intake, settled, services }) =>
      answerWhyNot(wanted, settled, intake, () => pinnedBy(settled, intake, services)),
    );
  }

  async search(template: string, words: readonly string[], options: SearchOptions = {}): Promise<SearchDocument> {
    return this.ask(template, options, (question, services) => answerSearch(words, question, services, options));
  }

  async packageNames(of: { readonly template: string } | { readonly target: string }): Promise<PackageNames> {
    if ('template' in of) return this.ask(of.template, {}, answerNames);
    const { arch, distribution: defined } = this.plugins.target(of.target);
    const bare = bareDefinition(defined);
    const { distribution } = bare;
    const { part: provider } = await this.plugins.provider(distribution.ecosystem);
    return this.within(bare, async (services) => {
      const { snapshots } = await openPinned(distribution.repositories, undefined, undefined, { arch, provider }, services);
      return answerNames({ provider, snapshots, lock: undefined }, services);
    });
  }

  async show(template: string, wanted: string, options: ShowOptions = {}): Promise<ShowDocument> {
    return this.ask(template, options, (question, services) => answerShow(wanted, question, services, options));
  }

  async graph(template: string, options: LockOptions & { readonly reduce?: boolean } = {}): Promise<GraphDocument> {
    return this.settle(template, options, async ({ intake, settled, services }) =>
      answerGraph(options.reduce === true, settled, await relationsBehind(settled, intake, services)),
    );
  }

  async build(template: string, options: BuildOptions = {}): Promise<BuildReport> {
    return buildImage({
      template,
      options,
      engine: this.options,
      plugins: this.plugins,
      events: this.events,
      read: () => this.read(template),
      open: (intake, home) => this.open(intake, home),
    });
  }

  async warm(template: string, options: LockOptions = {}): Promise<WarmReport> {
    return this.events.run('packages', () =>
      this.settle(template, options, async ({ intake, settled, services }) => {
        const { distinct } = await fetchPackages(settled, intake, this.options, services, { use: true });
        await services.enforceLimits();
        return { target: settled.lock.target, packages: distinct };
      }),
    );
  }

  checkTwin(twin: TwinOfPackage, directory: string): Promise<string | undefined> {
    const { signal } = this.options;
    const providerOf = async (ecosystem: string) => (await this.plugins.provider(ecosystem)).part;
    return checkTwin(twin, providerOf, { directory, room: roomOf(this.options), signal });
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.services.values());
    await closeInOrder(opened.map((one) => () => (one.status === 'fulfilled' ? one.value.close() : undefined)));
  }

  private async read(template: string, text?: string): Promise<TemplateReading> {
    const { variables, signal, clock } = this.options;
    const reading = await readTemplate(template, this.plugins, this.options.keyrings, {
      signal,
      ...(text === undefined ? {} : { text }),
      ...(variables === undefined ? {} : { variables }),
      ...(clock === undefined ? {} : { clock }),
    });
    this.events.cover(secretsOf(reading.loaded.variables, reading.loaded.merged));
    return reading;
  }

  private async resolveAfresh(intake: Intake): Promise<void> {
    const request = packageRequest(specFor(intake.spec, intake.format.identity), intake.distribution, intake.format.part);
    await this.events.covering(() => this.within(intake, (services) => resolveAfresh(intake, request, services)));
  }

  private async intake(template: string): Promise<Intake> {
    const { intake, problems, refused, warnings } = await this.read(template);
    // Without a format for its image type nothing can be asked of a template, however right it is.
    requireSound(template, intake === undefined ? [...problems, ...refused] : problems);
    // Keys that are missing are an error where repositories are opened.
    const beyond = refused.filter(({ code }) => code === UNSUPPORTED_YET);
    this.warn(orderProblems([...warnings, ...beyond.map(asWarning)]));
    return intake as Intake;
  }

  /** Settles the lock and goes on from it, all within the directories of this process. */
  private async settle<T>(template: string, options: LockOptions, work: (ready: Ready) => Promise<T>): Promise<T> {
    const intake = await this.intake(template);
    return this.within(intake, async (services) => {
      const settled = await this.events.covering(() => settleLock(template, intake, options, services));
      this.warn(settled.warnings);
      return work({ intake, settled, services });
    });
  }

  /** Asks the metadata that the lock pins, or else that of now. Nothing is resolved, so a template that cannot be resolved has answers, too. */
  private async ask<T>(
    template: string,
    options: LockOptions,
    answer: (question: CatalogueQuestion, services: Pick<Services, 'context'>) => Promise<T>,
  ): Promise<T> {
    const intake = await this.intake(template);
    return this.within(intake, async (services) => {
      const { request, lock, file, warnings } = await findLock(template, intake, options, services.context.memo);
      this.warn(warnings);
      const pinned = await openPinned(request.repositories, lock?.repositories, file, questionOf(intake), services);
      const { target, image: seeds } = request;
      const { arch, provider } = questionOf(intake);
      return readPinned(pinned, (snapshots, context) =>
        answer({ target, provider, snapshots, lock, arch, distribution: intake.distribution, seeds }, { context }),
      );
    });
  }

  private warn(reports: readonly ProblemReport[]): void {
    for (const report of reports) this.events.emit(warningEvent(report));
  }

  /** Opens what the engine works with, and runs `work` in its directories. */
  private async within<T>(intake: BareDefinition & Partial<Pick<Intake, 'places'>>, work: (services: Services) => Promise<T>): Promise<T> {
    const services = await this.open(intake);
    const { places } = intake;
    return services
      .within(() => work(services))
      .catch((error: unknown) => {
        const told = this.plugins.blame(error);
        throw places === undefined ? told : atRepository(told, places);
      });
  }

  private async open(intake: BareDefinition & Partial<Pick<Intake, 'places'>>, home?: CacheHome): Promise<Services> {
    requireKeys(intake.distribution);
    const key = servicesKey(intake);
    const opening = this.services.get(key) ?? openServices(this.options, intake, this.events.emit, this.plugins.identities, home);
    this.services.set(key, opening);
    opening.catch(() => this.services.delete(key)); // who asks again may find room on the disk, or a directory that was mended
    const services = await opening;
    const { distribution, places = new Map() } = intake;
    await requirePinnedKeys(distribution, services.context.memo, places).catch((error: unknown) => {
      throw atRepository(error, places);
    });
    return services;
  }
}

/** The repositories of a template as its lock pins them. */
function pinnedBy({ lock, request, file }: SettledLock, intake: Intake, services: Services): Promise<PinnedMetadata> {
  return openPinned(request.repositories, lock.repositories, file, questionOf(intake), services);
}

function questionOf({ spec, provider }: Intake) {
  return { arch: spec.target.arch, provider: provider.part };
}

function asWarning(problem: ProblemReport): ProblemReport {
  return { ...problem, severity: 'warning' };
}
