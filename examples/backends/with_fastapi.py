"""A FastAPI backend: it signs a JWT, which its app exchanges at Parley. `uvicorn with_fastapi:app --port 8001`"""

import os
import time
from typing import Annotated

import jwt
from fastapi import FastAPI, Header

app = FastAPI()


@app.post("/chat-token")
def chat_token(x_user: Annotated[str, Header()]) -> dict[str, str]:  # your own log-in instead of a header
    now = int(time.time())
    claims = {"sub": x_user, "name": x_user.title(), "iat": now, "exp": now + 300, "aud": "parley"}
    return {"token": jwt.encode(claims, os.environ["JWT_SECRET"], "HS256")}
