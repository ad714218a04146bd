"""Starting the workbench on the books of an installation."""

import sys
from pathlib import Path

import sqlalchemy as sa
import uvicorn

from zhijian.pipeline.ledger.scheme import load_schemes
from zhijian.pipeline.settings import Review, SettingsError
from zhijian.pipeline.store.accounts import all_accounts
from zhijian.pipeline.web.app import create_app
from zhijian.pipeline.web.workbench import Workbench
from zhijian.rules.standard import load_standard


def serve(engine: sa.Engine, standard: Path | None, anchor: Path, settings: Review) -> None:
    """Serves the workbench until it is stopped. Raises SettingsError where nobody could log in."""
    with engine.connect() as conn:
        if not all_accounts(conn):
            raise SettingsError("还没有账号,请先添加管理员:zhijian review account add NAME --role admin")
    bench = Workbench(
        engine=engine,
        standard=load_standard(standard),
        schemes=tuple(load_schemes()),
        anchor=anchor,
        settings=settings,
    )
    print(f"质检复核工作台:http://{settings.host}:{settings.port}/", file=sys.stderr, flush=True)
    uvicorn.run(
        create_app(bench),
        host=settings.host,
        port=settings.port,
        proxy_headers=False,  # the application reads them itself: the sign-on needs the proxy's own address, too
        server_header=False,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=60,
    )
