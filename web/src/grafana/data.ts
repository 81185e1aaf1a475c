/**
 * The only door to @grafana/data and @grafana/schema. Everything else in the app imports from here, so that an upgrade
 * or a replacement touches one folder.
 */
export {
  applyNullInsertThreshold,
  type DataFrame,
  type DataLink,
  type DisplayValue,
  type Field,
  type FieldConfig,
  type FieldConfigSource,
  type FieldDisplay,
  FieldType,
  formattedValueToString,
  type GrafanaTheme2,
  getActiveThreshold,
  getFieldDisplayName,
  getFieldDisplayValues,
  getFieldSeriesColor,
  getValueFormat,
  type LinkModel,
  type ReduceDataOptions,
  rangeUtil,
  reduceField,
  renderTextPanelMarkdown,
  type ScopedVars,
  type ThresholdsConfig,
  ThresholdsMode,
  textUtil,
} from "@grafana/data";
