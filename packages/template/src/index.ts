export { ofArchitecture } from './architecture-words.js';
export { derivedSalt, isCryptHash, shaCrypt, type CryptAlgorithm } from './crypt.js';
export { partitionTypes } from './disk.js';
export {
  parseDistribution,
  placeDistribution,
  requireDistribution,
  type ParsedDistribution,
  type WrittenDistribution,
} from './distribution.js';
export { editDistance, nearest } from './edit-distance.js';
export { templateError, type TemplateCode } from './errors.js';
export {
  diffTemplate,
  explainTemplate,
  explainVariables,
  hiddenIn,
  type Difference,
  type ExplainedValue,
  type ExplainedVariable,
} from './explanation.js';
export { loadTemplate, requireSpec, secretsOf, type DistributionResolver, type LoadedTemplate, type LoadOptions } from './load.js';
export { locateReports } from './located-report.js';
export { mergeTemplates, type MergedTemplate, type MergeRule, type Origin, type TemplateLayer } from './merge.js';
export { formatPath, type Path } from './path.js';
export { completeSections, templateSchemaWith, type PluginSection, type PluginSections } from './plugin-section.js';
export { withPortablePaths } from './portable-paths.js';
export { compileSchema } from './schema-compiler.js';
export { configSchema, type ConfigFile } from './schema/config.js';
export { distroSchema, type DistroFile } from './schema/distro.js';
export { defaultsSchema, templateSchema, type Template, type TemplateDefaults } from './schema/template.js';
export { formatSize, parseSize } from './size.js';
export { parseTemplate, type ParsedTemplate } from './template-document.js';
export { unsupported, type Abilities } from './unsupported.js';
export { countProblems, orderProblems } from './problem.js';
export { readText } from './template-chain.js';
export type { Validator } from './validation.js';
export { parseYaml, type DocumentPositions, type YamlDocument } from './yaml-document.js';
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
  type NetworkSettings,
  type PluginSetting,
  type StorageSettings,
  type TransportDefaults,
} from './config.js';
export { editConfig, type ConfigChange, type EditedConfig } from './config-edit.js';
export { configKeys, configVariables, requireConfigKey, type SettingSchema } from './config-keys.js';
export { configCandidates, configFileOf, configScopes, type ConfigScope, type ConfigSurroundings } from './config-places.js';
export { sampleConfig } from './config-sample.js';
export { redactData, redactText } from './secret-text.js';
export { redactTemplate, writeTemplate, type TemplateSecrets } from './template-text.js';
export { escapeReferences, type Variable, type VariableSources } from './variables.js';
