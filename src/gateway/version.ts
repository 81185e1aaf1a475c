/** As in package.json; clients read it from `GET /`. */
export const GATEWAY_VERSION = "0.1.0";
