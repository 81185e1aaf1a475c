/**
 * The only door to @grafana/data and @grafana/schema. Everything else in the app imports from here, so that an upgrade
 * or a replacement touches one folder.
 */
export {
  type DataFrame,
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
  type ReduceDataOptions,
  reduceField,
  renderTextPanelMarkdown,
  textUtil,
} from "@grafana/data";
export { ThresholdsMode } from "@grafana/schema";
