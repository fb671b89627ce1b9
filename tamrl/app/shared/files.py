"""Files that pages hand out, each with its source inside: tables as CSV and Parquet, Datasets as NetCDF and Zarr."""

import io
import tempfile
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import xarray as xr
from pyarrow import parquet as pq

from tamrl.schema import FLUX_UNIT
from tamrl.system.netcdf import write_netcdf

SIMULATED = "SIMULATED"
CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
NETCDF, ZARR = "application/x-netcdf", "application/zip"
_UNITS = f"fluxes in {FLUX_UNIT}, NEE negative = uptake"


@dataclass(frozen=True)
class Origin:
    """Where what a figure shows comes from.

    Attributes:
        text: the source line.
        simulated: whether the data were made by a model; then it says so wherever it appears.
    """

    text: str
    simulated: bool

    def line(self) -> str:
        """Return the source line with the mark of simulated data."""
        return f"{SIMULATED} data · {self.text}" if self.simulated and SIMULATED not in self.text else self.text

    def file(self, stem: str, suffix: str) -> str:
        """Return a file name that says where its content is simulated."""
        return f"{SIMULATED + '_' if self.simulated else ''}{stem}.{suffix}"


def csv(frame: pd.DataFrame, origin: Origin) -> bytes:
    """Return a table as CSV, UTF-8; lines that begin with ``#`` say where it comes from."""
    head = f"# {origin.line()}\n# {_UNITS}\n"
    return (head + frame.to_csv(lineterminator="\n", float_format="%.6g")).encode()


def parquet(frame: pd.DataFrame, origin: Origin) -> bytes:
    """Return a table as Parquet, its source and units in the metadata of the file (``source``, ``units``)."""
    table, out = pa.Table.from_pandas(frame), io.BytesIO()
    said = {"source": origin.line(), "units": _UNITS, "simulated": str(int(origin.simulated))}
    pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), **said}), out)
    return out.getvalue()


def netcdf(dataset: xr.Dataset, origin: Origin) -> bytes:
    """Return a Dataset as NetCDF 4 with its source and whether it is simulated as attributes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.nc"
        write_netcdf(_marked(dataset, origin), path)
        return path.read_bytes()


def zarr(dataset: xr.Dataset, origin: Origin) -> bytes:
    """Return a Dataset as a zipped Zarr v3 store, to be unpacked or read as ``zarr.storage.ZipStore``."""
    out = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # Consolidated metadata are in wide use but not yet in the Zarr v3 specification.
        warnings.simplefilter("ignore")
        _marked(dataset, origin).drop_encoding().to_zarr(folder, mode="w", zarr_format=3, consolidated=True)
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
            for file in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
                packed.write(file, file.relative_to(folder).as_posix())
    return out.getvalue()


def _marked(dataset: xr.Dataset, origin: Origin) -> xr.Dataset:
    attrs = {"Conventions": "CF-1.11", "source": origin.line(), **dataset.attrs}
    return dataset.assign_attrs(attrs | {"data_source": origin.line(), "simulated": int(origin.simulated)})
