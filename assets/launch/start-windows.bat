@echo off
rem Starts EigenLoRAx Studio on Windows; flags are those of app.py.
rem The first start makes .venv and fetches the packages. TORCH_INDEX names another build of torch:
rem https://pytorch.org/get-started/locally/
setlocal
cd /d "%~dp0..\.."
set "PYTHON=.venv\Scripts\python.exe"
if exist "%PYTHON%" goto packages

where py >nul 2>nul
if errorlevel 1 goto no_python
py -3 -c "import sys; sys.exit(sys.version_info < (3, 11))"
if errorlevel 1 goto no_python
py -3 -m venv .venv
if errorlevel 1 goto no_venv

:packages
fc /b requirements.txt .venv\installed.txt >nul 2>nul
if not errorlevel 1 goto start
echo Fetching the packages, once: this takes some minutes.
for /f "tokens=1" %%v in ('findstr /b "torch==" requirements.txt') do set "TORCH=%%v"
if defined TORCH_INDEX goto install
set "TORCH_INDEX=https://download.pytorch.org/whl/cpu"
where nvidia-smi >nul 2>nul
if not errorlevel 1 set "TORCH_INDEX=https://download.pytorch.org/whl/cu130"

:install
"%PYTHON%" -m pip install --index-url "%TORCH_INDEX%" "%TORCH%"
if errorlevel 1 goto no_packages
"%PYTHON%" -m pip install -r requirements.txt
if errorlevel 1 goto no_packages
copy /y requirements.txt .venv\installed.txt >nul

:start
"%PYTHON%" app.py %*
if errorlevel 1 goto failed
exit /b 0

:no_python
echo Python 3.11 or newer is missing: get it from https://www.python.org/downloads/, then start again.
goto failed

:no_venv
echo No .venv could be made here: move the folder to a place that you may write to, then start again.
goto failed

:no_packages
echo The packages could not be fetched: go online, then start again.

:failed
pause
exit /b 1
