/** The smallest station file of the catalogue that reads something: a BME280 on a bus. */
export const CLIMATE_STATION = `format: 1
station: demo-lake
ports:
  mast:
    i2c: /dev/i2c-1
devices:
  climate:
    type: bme280
    port: mast
    address: 0x76
    every: 10s
`;
