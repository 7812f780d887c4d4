export { ofArchitecture } from './sections/architecture-words.js';
export { derivedSalt, isCryptHash, shaCrypt, type CryptAlgorithm } from './sections/crypt.js';
export { partitionTypes } from './sections/disk.js';
export {
  parseDistribution,
  placeDistribution,
  requireDistribution,
  type ParsedDistribution,
  type WrittenDistribution,
} from './targets/distribution.js';
export { nearest } from './problems/nearest.js';
export { templateError, type TemplateCode } from './errors.js';
export {
  diffTemplate,
  explainTemplate,
  explainVariables,
  hiddenIn,
  type Difference,
  type ExplainedValue,
  type ExplainedVariable,
} from './documents/explanation.js';
export {
  loadTemplate,
  requireSpec,
  secretsOf,
  type DistributionResolver,
  type LoadedTemplate,
  type LoadOptions,
} from './documents/load.js';
export { locateReports } from './problems/located-report.js';
export { mergeTemplates, type MergedTemplate, type MergeRule, type Origin, type TemplateLayer } from './documents/merge.js';
export { formatPath, type Path } from './documents/path.js';
export { completeSections, templateSchemaWith, type PluginSection, type PluginSections } from './sections/plugin-section.js';
export { withPortablePaths } from './sections/portable-paths.js';
export { compileSchema } from './validation/schema-compiler.js';
export { publishedSchema } from './validation/published-schema.js';
export { configSchema, type ConfigFile } from './schema/config.js';
export { distroSchema, type DistroFile } from './schema/distro.js';
export { defaultsSchema, templateSchema, type Template, type TemplateDefaults } from './schema/template.js';
export { isRemote } from './sections/repository.js';
export { formatSize, parseSize } from './sections/size.js';
export { parseTemplate, type ParsedTemplate } from './documents/template-document.js';
export { unsupported, type Abilities } from './problems/unsupported.js';
export { countProblems, orderProblems } from './problems/problem.js';
export { readText } from './documents/template-chain.js';
export type { Validator } from './validation/validation.js';
export { parseYaml, type DocumentPositions, type YamlDocument } from './documents/yaml-document.js';
export {
  describeConfig,
  loadConfig,
  requireConfig,
  type Config,
  type ConfigOptions,
  type ConfigOrigin,
  type ConfigOverrides,
  type ConfigRow,
  type ConfigValue,
  type LoadedConfig,
  type RemoteCacheSettings,
  type NetworkSettings,
  type PluginSetting,
  type StorageSettings,
  type TransportDefaults,
} from './configuration/config.js';
export { editConfig, type ConfigChange, type EditedConfig } from './configuration/config-edit.js';
export { configKeys, configVariables, requireConfigKey, type SettingSchema } from './configuration/config-keys.js';
export { configCandidates, configFileOf, configScopes, type ConfigScope, type ConfigSurroundings } from './configuration/config-places.js';
export { sampleConfig } from './configuration/config-sample.js';
export { redactData, redactText } from './sections/secret-text.js';
export { redactTemplate, writeTemplate, type TemplateSecrets } from './documents/template-text.js';
export { escapeReferences, type Variable, type VariableSources } from './documents/variables.js';
